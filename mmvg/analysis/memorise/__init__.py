"""Does a model answer where it was taught to? A few clean scenes, learned by heart, and how far the answers lie off.

What a model has learned by heart, it should answer to the pixel, as far as the grid of its logits can express it. Any
constant shift that is left, or masks that stay ragged, come from geometry: targets, losses and answers on different
grids, or cells that look beside their place. Scenes come in pairs: the second of a pair is the first, moved by whole
cells, and the answer has to move with it.
"""

from mmvg.analysis.memorise.learning import (
    Recipe,
    answer,
    build,
    config_for,
    expressible,
    learn,
    load_samples,
    memorise,
)
from mmvg.analysis.memorise.limits import best_masks, logit_grid, perfect_answers
from mmvg.analysis.memorise.measures import mask_iou, measure, measure_moves, true_mask
from mmvg.analysis.memorise.recipes import recipe_of
from mmvg.analysis.memorise.scenes import draw_scenes

__all__ = [
    'Recipe',
    'answer',
    'best_masks',
    'build',
    'config_for',
    'draw_scenes',
    'expressible',
    'learn',
    'load_samples',
    'logit_grid',
    'mask_iou',
    'measure',
    'measure_moves',
    'memorise',
    'perfect_answers',
    'recipe_of',
    'true_mask',
]
