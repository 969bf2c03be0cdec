"""Set F1 of Rex-Omni (arXiv:2510.12798, F1@IoU): boxes without confidence, at one threshold or averaged over ten."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmvg.evaluation.functional.grasps import harmonic_mean
from mmvg.evaluation.functional.percent import mean_percent


class PrecisionRecall(NamedTuple):
    """Precision and recall of one expression, in [0, 1], at each threshold.

    Example:
        >>> PrecisionRecall(precision=(1.0, 0.5), recall=(1.0, 0.5)).recall[1]
        0.5
    """

    precision: tuple[float, ...]
    recall: tuple[float, ...]


def ordered_matches(overlaps: np.ndarray, threshold: float) -> int:
    """Count the true boxes that find a prediction in ``overlaps`` (P, N), one after the other in their order.

    Each takes the free prediction that it overlaps most, if by ``threshold`` or more. Neither an optimal assignment
    nor :func:`greedy_matches`: it is the rule of the authors' evaluator (and of HumanRef's, arXiv:2503.08507).

    Example:
        >>> ordered_matches(np.array([[0.6, 0.9], [0.5, 0.2]]), 0.5)  # the first takes row 0, nothing fits the second
        1
    """
    overlaps = np.array(overlaps, dtype=np.float64)
    matches = 0
    if len(overlaps):
        for column in overlaps.T:  # a view: rows that are taken fall out of the later columns
            best = int(column.argmax())
            if column[best] >= threshold and column[best] > 0:
                overlaps[best] = -1.0
                matches += 1
    return matches


def precision_recall(overlaps: np.ndarray, thresholds: Sequence[float]) -> PrecisionRecall:
    """Compute precision and recall of one expression.

    Without a true box both are 1 if nothing is listed, and 0 otherwise; with one, both are 0 if nothing is listed.

    Args:
        overlaps: IoU (P, N) of what the model lists with the true boxes.
        thresholds: Least IoU of a match.

    Example:
        >>> precision_recall(np.array([[0.8], [0.1]]), thresholds=[0.5, 0.95])
        PrecisionRecall(precision=(0.5, 0.0), recall=(1.0, 0.0))
    """
    num_pred, num_gt = overlaps.shape
    if not num_pred or not num_gt:
        right = (float(num_pred == num_gt),) * len(thresholds)
        return PrecisionRecall(right, right)
    matches = [ordered_matches(overlaps, threshold) for threshold in thresholds]
    return PrecisionRecall(tuple(m / num_pred for m in matches), tuple(m / num_gt for m in matches))


def instance_f1_scores(scores: Sequence[PrecisionRecall], thresholds: Sequence[float]) -> dict[str, float]:
    """Compute precision, recall and F1 in percent at IoU 0.5, at 0.95, and averaged over all thresholds ("mIoU").

    At each threshold F1 is the harmonic mean of the **mean** precision and the **mean** recall over expressions, not
    the mean of the F1 of expressions; F1@mIoU is the mean of those over the thresholds.

    Args:
        scores: One per expression, from :func:`precision_recall`.
        thresholds: Those of the scores.

    Returns:
        ``P@X``, ``R@X`` and ``F1@X`` for each X of 0.5 and 0.95 that is among the thresholds, and for ``mIoU``.

    Example:
        >>> instance_f1_scores([PrecisionRecall((1.0,), (0.5,)), PrecisionRecall((0.5,), (0.5,))], thresholds=[0.5])
        {'P@0.5': 75.0, 'R@0.5': 50.0, 'F1@0.5': 60.0, 'P@mIoU': 75.0, 'R@mIoU': 50.0, 'F1@mIoU': 60.0}
    """
    rows = {}
    for place, threshold in enumerate(thresholds):
        precision = mean_percent(score.precision[place] for score in scores)
        recall = mean_percent(score.recall[place] for score in scores)
        rows[threshold] = (precision, recall, harmonic_mean(precision, recall))
    shown = {f'{threshold:g}': rows[threshold] for threshold in (0.5, 0.95) if threshold in rows}
    shown['mIoU'] = tuple(float(np.mean(column)) for column in zip(*rows.values(), strict=True))
    return {
        f'{name}@{at}': value for at, row in shown.items() for name, value in zip(('P', 'R', 'F1'), row, strict=True)
    }
