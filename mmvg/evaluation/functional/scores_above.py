"""Compare scores with a threshold, as each evaluator does."""

from typing import Literal

import numpy as np

from mmvg.checks import check_choice


def scores_above(scores: np.ndarray, threshold: float, comparison: Literal['>=', '>'] = '>=') -> np.ndarray:
    """Find which ``scores`` (...) pass ``threshold``, as a bool mask (...).

    The evaluators differ for a score that equals the threshold once rounded to float32 (0.7 becomes 0.699999988):
    ``'>='`` compares in double precision, as gRefCOCO's GREC evaluator does, ``'>'`` in float32, as InstanceVG does
    for its no-target flag. Such a score passes neither at 0.7.

    Raises:
        ValueError: If a score is not finite, or ``comparison`` is unknown.

    Example:
        >>> scores_above(np.array([0.5, 0.7, 0.9]), 0.7), scores_above(np.array([0.5, 0.7, 0.9]), 0.7, '>')
        (array([False,  True,  True]), array([False, False,  True]))
    """
    check_choice('comparison', comparison, ('>=', '>'))
    scores = np.asarray(scores)
    if not np.isfinite(scores).all():
        raise ValueError(f'score {int(np.argmin(np.isfinite(scores)))} is not finite')
    if comparison == '>=':
        return scores.astype(np.float64) >= threshold
    return scores.astype(np.float32) > np.float32(threshold)
