"""Formulas of the metrics, as functions on arrays. They know nothing of models, samples or processes.

====== =============================================================
letter meaning
====== =============================================================
M      predicted boxes, or true grasps of a sample
N      true boxes or samples, or predicted grasps of a sample
P      predicted boxes of a sample, where scores play no part
Q      predicted boxes or points, one per query
====== =============================================================

Boxes are xyxy in pixels of one frame, grasps ``[x, y, w, h, theta]`` in pixels and radians, masks True = foreground.
Results are in percent if the docstring says so, and shares in [0, 1] otherwise.
"""

from mmvg.evaluation.functional.box_overlaps import box_areas, box_overlaps, check_boxes
from mmvg.evaluation.functional.cover import covered_share
from mmvg.evaluation.functional.grasps import (
    crog_matches,
    first_match,
    harmonic_mean,
    jaccard_at,
    limit_grasps,
    pairs_match,
    strict_matches,
)
from mmvg.evaluation.functional.grec import greedy_matches, set_f1
from mmvg.evaluation.functional.gres import GRESScore, gres_score, gres_scores
from mmvg.evaluation.functional.no_target import no_target_accuracy
from mmvg.evaluation.functional.percent import mean_percent, percent, percent_above, percent_at_least
from mmvg.evaluation.functional.phrasecut import phrasecut_scores, phrasecut_subsets
from mmvg.evaluation.functional.rec import top_box, top_box_iou
from mmvg.evaluation.functional.refzom import refzom_scores
from mmvg.evaluation.functional.res import mask_iou, res_scores
from mmvg.evaluation.functional.rref import RRefScore, rref_left_out, rref_scores
from mmvg.evaluation.functional.scores_above import scores_above

__all__ = [
    'GRESScore',
    'RRefScore',
    'box_areas',
    'box_overlaps',
    'check_boxes',
    'covered_share',
    'crog_matches',
    'first_match',
    'greedy_matches',
    'gres_score',
    'gres_scores',
    'harmonic_mean',
    'jaccard_at',
    'limit_grasps',
    'mask_iou',
    'mean_percent',
    'no_target_accuracy',
    'pairs_match',
    'percent',
    'percent_above',
    'percent_at_least',
    'phrasecut_scores',
    'phrasecut_subsets',
    'refzom_scores',
    'res_scores',
    'rref_left_out',
    'rref_scores',
    'scores_above',
    'set_f1',
    'strict_matches',
    'top_box',
    'top_box_iou',
]
