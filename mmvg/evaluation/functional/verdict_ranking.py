"""How well a score tells expressions with a target from those without, at all thresholds at once."""

from math import fsum, nan

import numpy as np


def detection_curve(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count what passes at each distinct score, from the highest on.

    Args:
        scores: (N,).
        positive: (N,) bool.

    Returns:
        Thresholds (T,), descending; and (T,) positives and (T,) negatives that score so much or more.

    Raises:
        ValueError: If a score is not finite, or their numbers differ.

    Example:
        >>> detection_curve(np.array([0.9, 0.5, 0.5]), np.array([True, True, False]))
        (array([0.9, 0.5]), array([1, 2]), array([0, 1]))
    """
    scores, positive = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    if scores.shape != positive.shape or scores.ndim != 1:
        raise ValueError(f'scores {scores.shape} and truth {positive.shape} must be (N,), both as long')
    if not np.isfinite(scores).all():
        raise ValueError(f'score {int(np.argmin(np.isfinite(scores)))} is not finite')
    order = np.argsort(-scores, kind='stable')
    scores, hits = scores[order], np.cumsum(positive[order])
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True)) if len(scores) else np.zeros(0, dtype=int)
    return scores[last], hits[last], last + 1 - hits[last]


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Compute the area under the ROC curve in percent: how often a positive scores more than a negative, ties half.

    Args:
        scores: (N,).
        positive: (N,) bool.

    Returns:
        Percent; NaN where the truth is all alike.

    Example:
        >>> auroc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False]))
        87.5
    """
    _, hits, false = detection_curve(scores, positive)
    if not len(hits) or not hits[-1] or not false[-1]:
        return nan
    before = np.append(0, hits[:-1])
    above = fsum(np.diff(false, prepend=0) * (hits + before)) / 2  # pairs in order, ties half
    return 100 * above / (int(hits[-1]) * int(false[-1]))


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """Compute the area under the precision-recall curve in percent, as a sum over steps and without interpolation.

    ``sum of (R_n - R_(n-1)) * P_n`` over distinct scores, which scikit-learn's ``average_precision_score`` computes.

    Args:
        scores: (N,).
        positive: (N,) bool.

    Returns:
        Percent; NaN without a positive.

    Example:
        >>> average_precision(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False]))
        83.33...
    """
    _, hits, false = detection_curve(scores, positive)
    if not len(hits) or not hits[-1]:
        return nan
    return 100 * fsum(np.diff(hits, prepend=0) * hits / (hits + false)) / int(hits[-1])


def n_acc_at_t_acc(target_scores: np.ndarray, no_target: np.ndarray, t_acc: float = 0.95) -> tuple[float, float]:
    """Compute the best N-acc among the thresholds whose T-acc is at least ``t_acc``, and that threshold.

    An expression is answered if its score is the threshold or more. The measure compares verdicts of models whose
    scores mean different things; 100 minus it is the "FPR at 95 % TPR" of out-of-distribution detection
    (arXiv:1610.02136), where a target is the positive.

    Args:
        target_scores: (N,) that anything is meant.
        no_target: (N,) bool, nothing is meant.
        t_acc: In (0, 1].

    Returns:
        N-acc in percent and the threshold; NaN where the truth is all alike.

    Raises:
        ValueError: If ``t_acc`` is no share, such as 95 in place of 0.95.

    Example:
        >>> n_acc_at_t_acc(np.array([0.9, 0.8, 0.3, 0.2]), np.array([False, False, True, False]), t_acc=0.6)
        (100.0, 0.8)
    """
    if not 0 < t_acc <= 1:
        raise ValueError(f't_acc is a share in (0, 1], such as 0.95, not {t_acc}')
    thresholds, hits, false = detection_curve(target_scores, ~np.asarray(no_target, dtype=bool))
    if not len(hits) or not hits[-1] or not false[-1]:
        return nan, nan
    place = int(np.argmax(hits >= t_acc * hits[-1] * (1 - 1e-12)))  # 19 of 20 are 95 %, whatever 0.95 * 20 rounds to
    return 100 * (1 - int(false[place]) / int(false[-1])), float(thresholds[place])
