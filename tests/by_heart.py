"""Scenes to learn by heart, and what has to be right of them afterwards; see :mod:`mmvg.analysis.memorise`."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from mmengine.registry import init_default_scope

from mmvg.analysis.memorise import config_for, draw_scenes, memorise, recipe_of

ROOT = Path(__file__).parents[1]
SYSTEMS = sorted(path.parent.name for path in ROOT.glob('configs/*/tiny.py'))


def scenes_of(folder: Path) -> Callable[[int], tuple[list[dict], Path]]:
    """Return what draws scenes, and their vocabulary, for inputs of a size, once each.

    They are 7/4 as large, so that pictures are resized; those of 16 input pixels are moved.
    """

    @cache
    def draw(size: int) -> tuple[list[dict], Path]:
        place, side = folder / str(size), 7 * size // 4
        place.mkdir()
        return draw_scenes(place, sizes=((side, 3 * side // 4), (3 * side // 4, side)), move=28), place / 'vocab.txt'

    return draw


def check_by_heart(system: str, size: int, items: list[dict], vocab_file: Path) -> None:
    """Let a tiny model learn scenes by heart, and check its answers to the pixel."""
    init_default_scope('mmvg')
    recipe = recipe_of(system)
    cfg = config_for(ROOT / f'configs/{system}/tiny.py', size, vocab_file, recipe.options)
    found = memorise(cfg, items, recipe)
    # the loss is flat: between the last two tenths of the steps, or nothing is left of it to fall
    assert abs(found['falls']) < 0.1 or found['left'] < 1e-3, found
    assert {'miou', 'box_iou'} & set(found)
    if 'miou' in found:
        assert found['share'] >= 0.97, found
        assert max(abs(found['mask_dx']), abs(found['mask_dy'])) < 0.1, found
        assert found['mask_move'] < 1, found  # of 16 pixels
    if 'box_iou' in found:
        assert found['box_iou'] >= 0.97, found
        assert max(abs(found['box_dx']), abs(found['box_dy'])) < 0.1, found
        assert found['box_move'] < 1, found
    if 'grasp_px' in found:
        # CROG tells a centre by the values of cells of 4 pixels
        assert found['grasp_px'] < (0.6 if system == 'crog' else 0.3), found
        assert found['grasp_degrees'] < 1, found
        assert found['grasp_opening'] < 0.02, found
        assert found['grasp_move'] < 0.5, found
