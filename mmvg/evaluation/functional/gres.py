"""Generalised segmentation (GRES, arXiv:2306.00968): none, one or several targets per expression."""

from collections.abc import Sequence
from typing import NamedTuple

from mmvg.evaluation.functional.no_target import no_target_accuracy
from mmvg.evaluation.functional.percent import mean_percent, percent, percent_at_least
from mmvg.evaluation.functional.res import mask_iou


class GRESScore(NamedTuple):
    """What one expression adds to the sums of :func:`gres_scores`.

    Args:
        iou: In [0, 1].
        intersection: Pixels in both masks.
        union: Pixels in either mask.
        pred_no_target: The model says that nothing is meant.
        gt_no_target: Nothing is meant.

    Example:
        >>> GRESScore(iou=0.5, intersection=10, union=20, pred_no_target=False, gt_no_target=False).iou
        0.5
    """

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

    Example:
        >>> gres_score(10, 20, pred_no_target=True, gt_no_target=False)
        GRESScore(iou=0.0, intersection=0, union=20, pred_no_target=True, gt_no_target=False)
    """
    if pred_no_target and gt_no_target:
        return GRESScore(1.0, 0, 0, True, True)
    if pred_no_target or gt_no_target:
        return GRESScore(0.0, 0, union, pred_no_target, gt_no_target)
    return GRESScore(mask_iou(intersection, union), intersection, union, False, False)


def gres_scores(scores: Sequence[GRESScore], thresholds: Sequence[float] = (0.7, 0.8, 0.9)) -> dict[str, float]:
    """Compute gIoU, cIoU, N-acc, T-acc and P@X in percent, NaN where nothing can be divided.

    Args:
        scores: One per expression, from :func:`gres_score`.
        thresholds: The X of P@X, which counts expressions with a target only.

    Example:
        >>> gres_scores([gres_score(16, 20, False, False), gres_score(0, 0, True, True)], thresholds=[0.7])
        {'gIoU': 90.0, 'cIoU': 80.0, 'N-acc': 100.0, 'T-acc': 100.0, 'P@0.7': 100.0}
    """
    target_ious = [score.iou for score in scores if not score.gt_no_target]
    return {
        'gIoU': mean_percent(score.iou for score in scores),
        'cIoU': percent(sum(score.intersection for score in scores), sum(score.union for score in scores)),
        **no_target_accuracy([s.pred_no_target for s in scores], [s.gt_no_target for s in scores]),
        **{f'P@{threshold:g}': percent_at_least(target_ious, threshold) for threshold in thresholds},
    }
