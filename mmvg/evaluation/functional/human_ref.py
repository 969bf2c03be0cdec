"""Scores of HumanRef: precision, recall and density F1 of a set of boxes, and how often nobody is found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmvg.evaluation.functional.cgf1 import COCO_THRESHOLDS
from mmvg.evaluation.functional.percent import mean_percent


@dataclass(frozen=True)
class HumanRefScore:
    """What one expression adds.

    Args:
        precision: Mean over thresholds of the share of answered boxes that meet a true one.
        recall: Mean over thresholds of the share of true boxes that an answered one meets.
        density_f1: Their harmonic mean, times the density penalty.
        rejected: Whether nothing was answered.
        rejection: Whether nobody is meant.

    Example:
        >>> HumanRefScore(0.5, 1.0, 0.333, rejected=False, rejection=False).recall
        1.0
    """

    precision: float
    recall: float
    density_f1: float
    rejected: bool
    rejection: bool


def human_ref_score(overlaps: np.ndarray, num_persons: int) -> HumanRefScore:
    """Score the boxes of one expression as HumanRef's page of its benchmark defines it (arXiv:2503.08507).

    A box is right at an IoU **above** the threshold with *any* true box; thresholds are 0.5, 0.55 ... 0.95. The penalty
    is D = min(1, persons in the image / answered boxes). The page does not say whether F1 is formed at each threshold:
    here it is formed from the means.

    Args:
        overlaps: IoU (P, N) of answered with true boxes.
        num_persons: All persons in the image.

    Example:
        >>> human_ref_score(np.array([[0.96], [0.1]]), num_persons=1)  # two boxes where there is one person
        HumanRefScore(precision=0.5, recall=1.0, density_f1=0.333..., rejected=False, rejection=False)
    """
    answered, wanted = overlaps.shape
    if not answered or not wanted:
        return HumanRefScore(0.0, 0.0, 0.0, rejected=not answered, rejection=not wanted)
    precision = float(np.mean([(overlaps.max(axis=1) > t).mean() for t in COCO_THRESHOLDS]))
    recall = float(np.mean([(overlaps.max(axis=0) > t).mean() for t in COCO_THRESHOLDS]))
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return HumanRefScore(precision, recall, f1 * min(1.0, num_persons / answered), rejected=False, rejection=False)


def human_ref_scores(scores: Sequence[HumanRefScore]) -> dict[str, float]:
    """Compute means over expressions that mean somebody, and the share of the others that were rejected, in percent.

    Example:
        >>> human_ref_scores([HumanRefScore(1, 1, 1, False, False), HumanRefScore(0, 0, 0, True, True)])
        {'P': 100.0, 'R': 100.0, 'DF1': 100.0, 'rejection': 100.0}
    """
    meant = [score for score in scores if not score.rejection]
    return {
        'P': mean_percent(score.precision for score in meant),
        'R': mean_percent(score.recall for score in meant),
        'DF1': mean_percent(score.density_f1 for score in meant),
        'rejection': mean_percent(score.rejected for score in scores if score.rejection),
    }
