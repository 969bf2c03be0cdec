"""Measure what it saves to encode an image once when several expressions ask about it, and what the MACs promise.

    python benchmarks/shared_image.py configs/segvlm/phrasecut.py --expressions 1 2 4 8

Untrained weights; ``predict`` on batches of which all samples have the same image, and of as many different images.
"""

import argparse
import time

import torch

from mmvg.apis import load_config, run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='a config with a CLIPResNet')
    parser.add_argument('--expressions', type=int, nargs='+', default=[1, 2, 4, 8])
    parser.add_argument('--repeats', type=int, default=3, help='the fastest counts')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config)
    from mmvg.analysis.complexity import dummy_inputs, true_complexity
    from mmvg.registry import MODELS

    cfg.model.backbone.checkpoint = None
    model = MODELS.build(cfg.model).eval()
    inputs = dummy_inputs(cfg)
    rows = {row.part: row.macs for row in true_complexity(model, inputs)}
    with torch.utils.flop_counter.FlopCounterMode(display=False) as counter, torch.enable_grad():
        model.backbone._pool(model.backbone._encode_image(inputs['images'])[-1])
    image, total = counter.get_total_flops() // 2, sum(rows.values())
    print(f'{total / 1e9:.1f} GMACs for one expression, {image / 1e9:.1f} of them in the image tower; {args.device}')
    model.to(args.device)
    for count in args.expressions:
        seconds = {}
        for name, images in (('shared', 1), ('separate', count)):
            batch = dict(
                images=torch.randn(images, *inputs['images'].shape[1:]),
                input_ids=torch.randint(1, 90, (count, inputs['input_ids'].shape[1])),
                text_mask=torch.ones(count, inputs['input_ids'].shape[1], dtype=torch.bool),
            )
            if images < count:
                batch['image_index'] = torch.zeros(count, dtype=torch.long)
            batch = {key: value.to(args.device) for key, value in batch.items()}
            seconds[name] = min(_time(model, batch) for _ in range(args.repeats + 1))
        expected = count * total / (image + count * (total - image))
        print(
            f'{count} expressions: {1000 * seconds["separate"]:.0f} ms separate, {1000 * seconds["shared"]:.0f} ms '
            f'shared, {seconds["separate"] / seconds["shared"]:.2f} times as fast; by MACs {expected:.2f}'
        )


@torch.no_grad()
def _time(model: torch.nn.Module, batch: dict) -> float:
    """Return the seconds of one pass; of a CPU, which others may use too, those that this process had."""
    clock = time.process_time if batch['images'].device.type == 'cpu' else time.perf_counter
    start = clock()
    model(batch, mode='tensor')['mask_logits'].sum().item()  # waits for the device
    return clock() - start


if __name__ == '__main__':
    run_command(main)
