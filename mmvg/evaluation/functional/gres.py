"""Generalised segmentation (GRES, arXiv:2306.00968): none, one or several targets per expression."""

from collections.abc import Sequence
from typing import NamedTuple

from mmvg.evaluation.functional.existence import existence_accuracy
from mmvg.evaluation.functional.percent import mean_percent, percent, percent_at_least
from mmvg.evaluation.functional.res import mask_iou


class GRESScore(NamedTuple):
    """What one expression adds to the sums: its IoU, and pixels of intersection and union."""

    iou: float
    intersection: int
    union: int
    pred_no_target: bool
    gt_no_target: bool


def gres_score(intersection: int, union: int, pred_no_target: bool, gt_no_target: bool) -> GRESScore:
    """Score one expression by the table of ReLA's evaluator.

    ========= ========= ====== === ===================================================
    gt        predicted IoU    I   U
    ========= ========= ====== === ===================================================
    no target no target 1      0   0, even if the mask has pixels
    no target target    0      0   predicted pixels, even if that is none
    target    no target 0      0   union with the mask as given, not with an emptied one
    target    target    I / U  I   U, and IoU 0 where U is 0
    ========= ========= ====== === ===================================================

    Args:
        intersection: Pixels in both masks.
        union: Pixels in either mask; for a no-target expression, whose true mask is empty, the predicted pixels.
        pred_no_target: The model says that nothing is meant.
        gt_no_target: Nothing is meant.
    """
    if pred_no_target and gt_no_target:
        return GRESScore(1.0, 0, 0, True, True)
    if pred_no_target or gt_no_target:
        return GRESScore(0.0, 0, union, pred_no_target, gt_no_target)
    return GRESScore(mask_iou(intersection, union), intersection, union, False, False)


def gres_scores(scores: Sequence[GRESScore], thresholds: Sequence[float] = (0.7, 0.8, 0.9)) -> dict[str, float]:
    """gIoU, cIoU, N-acc, T-acc and P@X (of expressions with a target) in percent, NaN where nothing can be divided."""
    target_ious = [score.iou for score in scores if not score.gt_no_target]
    return {
        'gIoU': mean_percent(score.iou for score in scores),
        'cIoU': percent(sum(score.intersection for score in scores), sum(score.union for score in scores)),
        **existence_accuracy([s.pred_no_target for s in scores], [s.gt_no_target for s in scores]),
        **{f'P@{threshold:g}': percent_at_least(target_ious, threshold) for threshold in thresholds},
    }
