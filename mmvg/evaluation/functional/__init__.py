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

from mmvg.evaluation.functional.bootstrap import Difference, holm, paired_bootstrap, ratios
from mmvg.evaluation.functional.box_overlaps import box_areas, box_overlaps, check_boxes, overlaps_of_checked
from mmvg.evaluation.functional.calibration import (
    apply_temperature,
    aurc,
    expected_calibration_error,
    fit_temperature,
    risk_coverage,
)
from mmvg.evaluation.functional.cgf1 import (
    COCO_THRESHOLDS,
    CGF1Score,
    cgf1_score,
    cgf1_scores,
    matthews,
    optimal_overlaps,
)
from mmvg.evaluation.functional.composites import CompositeScores
from mmvg.evaluation.functional.cover import covered_share
from mmvg.evaluation.functional.expression_kinds import KINDS, expression_kinds
from mmvg.evaluation.functional.grasps import (
    crog_matches,
    first_match,
    harmonic_mean,
    jaccard_at,
    limit_grasps,
    pairs_match,
    strict_matches,
)
from mmvg.evaluation.functional.grec import f1_of_overlaps, greedy_matches, set_f1
from mmvg.evaluation.functional.gres import GRESScore, gres_score, gres_scores
from mmvg.evaluation.functional.groups import (
    ASPECTS,
    distractor_group,
    expression_groups,
    in_order,
    size_group,
    word_group,
)
from mmvg.evaluation.functional.human_ref import HumanRefScore, human_ref_score, human_ref_scores
from mmvg.evaluation.functional.instance_f1 import (
    PrecisionRecall,
    instance_f1_scores,
    ordered_matches,
    precision_recall,
)
from mmvg.evaluation.functional.no_target import no_target_accuracy
from mmvg.evaluation.functional.percent import mean_percent, percent, percent_above, percent_at_least
from mmvg.evaluation.functional.phrasecut import phrasecut_scores, phrasecut_subsets
from mmvg.evaluation.functional.rec import top_box, top_box_iou
from mmvg.evaluation.functional.ref_l4 import ref_l4_scores
from mmvg.evaluation.functional.refzom import refzom_scores
from mmvg.evaluation.functional.res import mask_iou, res_scores
from mmvg.evaluation.functional.rref import RRefScore, rref_left_out, rref_scores
from mmvg.evaluation.functional.scores_above import scores_above
from mmvg.evaluation.functional.top_k import best_first, rank_of_hit
from mmvg.evaluation.functional.verdict_ranking import auroc, average_precision, detection_curve, n_acc_at_t_acc

__all__ = [
    'ASPECTS',
    'COCO_THRESHOLDS',
    'KINDS',
    'CGF1Score',
    'CompositeScores',
    'Difference',
    'GRESScore',
    'HumanRefScore',
    'PrecisionRecall',
    'RRefScore',
    'apply_temperature',
    'aurc',
    'auroc',
    'average_precision',
    'best_first',
    'box_areas',
    'box_overlaps',
    'cgf1_score',
    'cgf1_scores',
    'check_boxes',
    'covered_share',
    'crog_matches',
    'detection_curve',
    'distractor_group',
    'expected_calibration_error',
    'expression_groups',
    'expression_kinds',
    'f1_of_overlaps',
    'first_match',
    'fit_temperature',
    'greedy_matches',
    'gres_score',
    'gres_scores',
    'harmonic_mean',
    'holm',
    'human_ref_score',
    'human_ref_scores',
    'in_order',
    'instance_f1_scores',
    'jaccard_at',
    'limit_grasps',
    'mask_iou',
    'matthews',
    'mean_percent',
    'n_acc_at_t_acc',
    'no_target_accuracy',
    'optimal_overlaps',
    'ordered_matches',
    'overlaps_of_checked',
    'paired_bootstrap',
    'pairs_match',
    'percent',
    'percent_above',
    'percent_at_least',
    'phrasecut_scores',
    'phrasecut_subsets',
    'precision_recall',
    'rank_of_hit',
    'ratios',
    'ref_l4_scores',
    'refzom_scores',
    'res_scores',
    'risk_coverage',
    'rref_left_out',
    'rref_scores',
    'scores_above',
    'set_f1',
    'size_group',
    'strict_matches',
    'top_box',
    'top_box_iou',
    'word_group',
]
