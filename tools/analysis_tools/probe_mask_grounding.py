"""Measure where Mask Grounding gets its words from: accuracy of masked words with the right and with wrong inputs.

    python tools/analysis_tools/probe_mask_grounding.py CONFIG CHECKPOINT --split val

Accuracy that falls with another image or mask is grounding; accuracy that falls with an image that has read another
text is a leak, which ``model.aux_heads.grounding.detach_image=True`` stops rewarding.
"""

import argparse

from mmengine.config import DictAction

from mmvg.apis import load_config, run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='a config with a MaskGroundingHead among its aux_heads')
    parser.add_argument('checkpoint', help='weights of that config')
    parser.add_argument('--split', default='val', help='split that the words are taken from')
    parser.add_argument('--batches', type=int, default=50, metavar='N', help='how many batches to look at')
    parser.add_argument('--head', help='name of the auxiliary head, if there are several')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change the config')
    args = parser.parse_args()
    if args.batches < 1:
        parser.error('--batches must be at least 1')
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)

    from itertools import islice

    import torch
    from mmengine.runner import Runner
    from rich.console import Console
    from rich.table import Table

    from mmvg.analysis.grounding_probe import CONDITIONS, probe_mask_grounding
    from mmvg.registry import MODELS
    from mmvg.weights.checkpoint import load_weights

    model = MODELS.build(cfg.model)
    load_weights(model, args.checkpoint)
    model = model.to('cuda' if torch.cuda.is_available() else 'cpu').eval()
    loader = cfg.train_dataloader  # its pipeline leaves the ground truth in input pixels
    loader.dataset.split = args.split
    batches = Runner.build_dataloader(loader, seed=cfg.randomness.seed)
    result = probe_mask_grounding(model, islice(batches, args.batches), args.head)
    table = Table('the word is guessed from the other words and', title=f'{result.words} masked words of {args.split}')
    table.add_column('accuracy, percent', justify='right')
    for name, meaning in CONDITIONS.items():
        table.add_row(meaning, f'{result.accuracy[name]:.1f}')
    Console().print(table)


if __name__ == '__main__':
    run_command(main)
