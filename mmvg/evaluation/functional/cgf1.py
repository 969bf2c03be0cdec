"""Classification-gated F1 (SAM 3, arXiv:2511.16719, App. E.3): all instances, and none where none is meant."""

from collections.abc import Sequence
from math import nan, sqrt
from typing import NamedTuple

import numpy as np

#: IoU thresholds 0.5, 0.55 ... 0.95, as COCO and SAM 3 average over.
COCO_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))


class CGF1Score(NamedTuple):
    """What one expression adds to the sums of :func:`cgf1_scores`.

    Args:
        true_positives: Matched pairs at each threshold.
        num_pred: Instances that the model lists.
        num_gt: True instances.

    Example:
        >>> CGF1Score(true_positives=(2, 1), num_pred=3, num_gt=2).num_pred
        3
    """

    true_positives: tuple[int, ...]
    num_pred: int
    num_gt: int


def optimal_overlaps(overlaps: np.ndarray) -> np.ndarray:
    """Return the overlaps of the pairs, one per row and column of ``overlaps`` (P, N), whose sum is the largest.

    Example:
        >>> optimal_overlaps(np.array([[0.9, 0.8], [0.7, 0.1]]))  # a greedy choice would take 0.9 and 0.1
        array([0.8, 0.7])
    """
    from scipy.optimize import linear_sum_assignment  # slow to import

    return overlaps[linear_sum_assignment(-overlaps)]


def cgf1_score(overlaps: np.ndarray, thresholds: Sequence[float] = COCO_THRESHOLDS) -> CGF1Score:
    """Count the pairs of one expression, by an optimal assignment that does not depend on the threshold.

    Args:
        overlaps: IoU (P, N) of what the model lists with the true instances; both may be none.
        thresholds: A pair counts at an IoU of so much or more.

    Example:
        >>> cgf1_score(np.array([[0.72], [0.4]]), thresholds=[0.5, 0.75])
        CGF1Score(true_positives=(1, 0), num_pred=2, num_gt=1)
    """
    matched = optimal_overlaps(overlaps)
    return CGF1Score(tuple(int((matched >= threshold).sum()) for threshold in thresholds), *overlaps.shape)


def matthews(true_pos: float, false_pos: float, false_neg: float, true_neg: float) -> float:
    """Compute Matthews' correlation coefficient in [-1, 1] of a table of counts.

    0 where all answers are alike, whatever the truth, as in the authors' evaluator; NaN where the truth is all alike,
    for then nothing tells a gate from none (the authors' evaluator gives 0).

    Example:
        >>> matthews(true_pos=4, false_pos=1, false_neg=1, true_neg=4)
        0.6
    """
    if not (true_pos + false_neg and true_neg + false_pos):
        return nan
    sides = (true_pos + false_pos) * (true_pos + false_neg) * (true_neg + false_pos) * (true_neg + false_neg)
    return (true_pos * true_neg - false_pos * false_neg) / sqrt(sides) if sides else 0.0


def cgf1_scores(scores: Sequence[CGF1Score]) -> dict[str, float]:
    """Compute cgF1 = 100 * pmF1 * IL_MCC and its factors; NaN where nothing can be divided.

    ``pmF1`` (positive micro F1, in percent) is 2 TP / (2 TP + FP + FN) of the sums over the expressions **with a
    target**, averaged over the thresholds (Eq. 1); ``IL_MCC``, in [-1, 1] as the paper prints it, correlates "something
    is listed" with "something is meant" over all expressions (Eq. 2); cgF1 (Eq. 3) is in [-100, 100]. ``pMF1`` is the
    mean of the F1 of each expression with a target ("positive macro F1").

    The authors' evaluator adds 1e-4 to its denominators, so its digits are lower from the fourth on.

    Args:
        scores: One per expression, from :func:`cgf1_score`.

    Example:
        >>> right, wrong = CGF1Score((1,), 1, 1), CGF1Score((0,), 1, 0)
        >>> cgf1_scores([right, right, CGF1Score((0,), 0, 0), wrong])
        {'cgF1': 57.73..., 'pmF1': 100.0, 'IL_MCC': 0.577..., 'pMF1': 100.0}
    """
    positive = [score for score in scores if score.num_gt]
    found = np.array([score.true_positives for score in positive], dtype=np.float64)
    boxes = np.array([score.num_pred + score.num_gt for score in positive], dtype=np.float64)
    micro = 2 * found.sum(0) / boxes.sum() if positive else np.array([nan])
    macro = 2 * found / boxes[:, None] if positive else np.array([nan])
    present = [score.num_gt > 0 for score in scores]
    listed = [score.num_pred > 0 for score in scores]
    table = [sum((p, g) == cell for p, g in zip(listed, present, strict=True)) for cell in _CELLS]
    mcc = matthews(*table)
    pm_f1 = 100 * float(micro.mean())
    return {'cgF1': pm_f1 * mcc, 'pmF1': pm_f1, 'IL_MCC': mcc, 'pMF1': 100 * float(macro.mean())}


_CELLS = ((True, True), (True, False), (False, True), (False, False))  # (listed, present): TP, FP, FN, TN
