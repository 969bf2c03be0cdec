"""How near the answers of a tiny model come to eight scenes that it has learned by heart, at several sizes of input.

    python benchmarks/memorise.py lavt cris --size 64 96 --steps 600

``limit`` is the mIoU that the grid of the logits can express; offsets are in pixels of the input, right and down.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from mmvg.analysis.memorise import (
    answer,
    best_masks,
    build,
    config_for,
    draw_scenes,
    learn,
    load_samples,
    mask_iou,
    measure,
    true_mask,
)

CONFIGS = Path(__file__).parents[1] / 'configs'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('systems', nargs='+', help='folders of configs/ with a tiny.py')
    parser.add_argument('--size', type=int, nargs='+', default=[64, 96], help='sides of the input')
    parser.add_argument('--steps', type=int, default=600)
    parser.add_argument('--config', default='tiny.py', help='or refshapes.py, which is wider')
    args = parser.parse_args()
    init_default_scope('mmvg')
    MMLogger.get_current_instance().setLevel('WARNING')
    with tempfile.TemporaryDirectory() as folder:
        items = draw_scenes(folder)
        masks = [true_mask(item) for item in items]
        for system in args.systems:
            for size in args.size:
                cfg = config_for(CONFIGS / system / args.config, size, f'{folder}/vocab.txt')
                model = build(cfg)
                train, test = (
                    load_samples(x.dataset.pipeline, items) for x in (cfg.train_dataloader, cfg.test_dataloader)
                )
                losses = learn(model, train, args.steps)
                found = measure(answer(model, test), items)
                with torch.no_grad():
                    data = model.data_preprocessor(test, training=False)
                    raw = model(data['inputs'], data['data_samples'], mode='tensor')
                grid = next(
                    raw[key].shape[-2:] for key in ('mask_logits', 'global_mask_logits', 'logits') if key in raw
                )
                best = best_masks(test['data_samples'], masks, grid)
                limit = np.mean([mask_iou(*pair) for pair in zip(best, masks, strict=True)])
                row = dict(loss=losses[-1], limit=limit, share=found['miou'] / limit, **found)
                print(system, size, ' '.join(f'{key} {value:.3f}' for key, value in row.items()), flush=True)


if __name__ == '__main__':
    main()
