"""How near the answers of a tiny model come to eight scenes that it has learned by heart, at several sizes of input.

    python benchmarks/memorise.py lavt cris --size 64 96

``limit`` is the mIoU that the grid of the logits can express, ``share`` the part of it that is reached; offsets are in
pixels of the input, right and down.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from mmvg.analysis.memorise import Recipe, config_for, draw_scenes, memorise, recipe_of

CONFIGS = Path(__file__).parents[1] / 'configs'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('systems', nargs='+', help='folders of configs/ with a tiny.py')
    parser.add_argument('--size', type=int, nargs='+', default=[64, 96], help='sides of the input')
    parser.add_argument('--steps', type=int, help='instead of those of the recipe')
    parser.add_argument('--lr', type=float, help='instead of that of the recipe')
    parser.add_argument('--config', default='tiny.py', help='or refshapes.py, which is wider')
    args = parser.parse_args()
    init_default_scope('mmvg')
    MMLogger.get_current_instance().setLevel('WARNING')
    torch.set_num_threads(1)
    for size in args.size:
        with tempfile.TemporaryDirectory() as folder:
            side = 7 * size // 4
            items = draw_scenes(folder, sizes=((side, 3 * side // 4), (3 * side // 4, side)))
            for system in args.systems:
                recipe = recipe_of(system) if args.config == 'tiny.py' else Recipe()
                recipe = replace(recipe, steps=args.steps or recipe.steps, lr=args.lr or recipe.lr)
                cfg = config_for(CONFIGS / system / args.config, size, f'{folder}/vocab.txt', recipe.options)
                row = memorise(cfg, items, recipe)
                print(system, size, ' '.join(f'{key} {value:.3f}' for key, value in row.items()), flush=True)


if __name__ == '__main__':
    main()
