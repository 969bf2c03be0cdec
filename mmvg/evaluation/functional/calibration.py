"""Whether scores are probabilities, one number that makes them so, and the risk without the doubtful answers."""

from math import nan

import numpy as np

#: Scores are kept so far from 0 and 1 before their logarithm is taken.
_LEAST = 1e-7
_BOUNDS = (-4.0, 4.0)  # of log(temperature)


def expected_calibration_error(scores: np.ndarray, right: np.ndarray, num_bins: int = 15) -> float:
    """Compute the ECE in percent: how far scores are from frequencies (arXiv:1706.04599, Eq. 3).

    Scores are sorted into ``num_bins`` equal intervals ``(low, high]`` of [0, 1] (0 belongs to the first); the
    differences between mean score and share of true events in each are averaged by the number of scores in it.

    Args:
        scores: (N,) in [0, 1], probabilities of an event.
        right: (N,) bool, whether it happened.
        num_bins: Number of intervals; the paper has 15.

    Returns:
        Percent; NaN for no scores.

    Raises:
        ValueError: If a score is not in [0, 1], or their numbers differ.

    Example:
        >>> expected_calibration_error(np.array([0.9, 0.9, 0.9, 0.9]), np.array([True, True, True, False]))
        15.0...
    """
    scores, right = _checked(scores, right)
    if not len(scores):
        return nan
    bins = np.clip(np.ceil(scores * num_bins).astype(int) - 1, 0, num_bins - 1)
    gaps = np.bincount(bins, weights=scores - right, minlength=num_bins)
    return 100 * float(np.abs(gaps).sum()) / len(scores)


def fit_temperature(scores: np.ndarray, right: np.ndarray) -> float:
    """Find the temperature that makes scores as likely as possible (arXiv:1706.04599, Sec. 4.2).

    Args:
        scores: (N,) in [0, 1], of validation data.
        right: (N,) bool, whether the event happened.

    Returns:
        T > 0 for :func:`apply_temperature`, between 0.018 and 55; above 1 the scores were too sure of themselves.

    Raises:
        ValueError: If a score is not in [0, 1], their numbers differ, or the truth is all alike.

    Example:
        >>> right = np.array([True, True, False, False])
        >>> round(fit_temperature(np.array([0.9, 0.9, 0.9, 0.1]), right), 6)  # sure of 0.9, and right 3 of 4 times
        2.0
    """
    from scipy.optimize import minimize_scalar  # slow to import

    scores, right = _checked(scores, right)
    if right.all() or not right.any():
        raise ValueError(f'a temperature needs both events and non-events, and all {len(right)} are alike')
    logits = _logit(scores) * np.where(right, 1, -1)
    found = minimize_scalar(
        lambda log_t: np.logaddexp(0, -logits / np.exp(log_t)).mean(),
        bounds=_BOUNDS,
        method='bounded',
        options=dict(xatol=1e-9),
    )
    return float(np.exp(found.x))


def apply_temperature(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Divide the log-odds of ``scores`` (...) by ``temperature``: the order stays, and so does 0.5.

    Example:
        >>> apply_temperature(np.array([0.0, 0.5, 0.9]), 2.0)
        array([0.  , 0.5 , 0.75])
    """
    scores = np.asarray(scores)
    if temperature == 1:
        return scores
    wide = scores.astype(np.float64)
    scaled = 1 / (1 + np.exp(-_logit(wide) / temperature))
    return np.where((wide <= 0) | (wide >= 1), wide, scaled).astype(scores.dtype if scores.dtype.kind == 'f' else float)


def risk_coverage(confidence: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """Compute the mean loss of the k most confident answers, for k from 1 to N.

    Answers of one confidence are taken in random order, on average: the result depends on no order.

    Args:
        confidence: (N,).
        loss: (N,) in [0, 1], such as 1 - IoU, or 1 for a wrong answer and 0 for a right one.

    Returns:
        Risk (N,) at a coverage of k / N.

    Example:
        >>> risk_coverage(np.array([0.9, 0.5, 0.5]), np.array([0.0, 0.0, 1.0]))
        array([0.    , 0.25  , 0.3333])
    """
    confidence, loss = np.asarray(confidence, dtype=np.float64), np.asarray(loss, dtype=np.float64)
    if confidence.shape != loss.shape or confidence.ndim != 1:
        raise ValueError(f'confidence {confidence.shape} and loss {loss.shape} must be (N,), both as long')
    if not np.isfinite(confidence).all() or not np.isfinite(loss).all():
        raise ValueError('confidence and loss must be finite')
    _, group, sizes = np.unique(-confidence, return_inverse=True, return_counts=True)
    means = np.bincount(group, weights=loss, minlength=len(sizes)) / np.maximum(sizes, 1)
    return np.cumsum(np.repeat(means, sizes)) / np.arange(1, len(loss) + 1)


def aurc(confidence: np.ndarray, loss: np.ndarray) -> float:
    """Compute the area under the risk-coverage curve in percent, the mean of :func:`risk_coverage` (arXiv:1805.08206).

    Less is better. A confidence that says nothing has the mean loss.

    Example:
        >>> aurc(np.array([0.9, 0.5, 0.4]), np.array([0.0, 0.0, 1.0]))
        11.11...
    """
    risks = risk_coverage(confidence, loss)
    return 100 * float(risks.mean()) if len(risks) else nan


def _checked(scores: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores, right = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=bool)
    if scores.shape != right.shape or scores.ndim != 1:
        raise ValueError(f'scores {scores.shape} and truth {right.shape} must be (N,), both as long')
    if wrong := np.flatnonzero(~((scores >= 0) & (scores <= 1))).tolist():
        raise ValueError(f'score {wrong[0]} is {scores[wrong[0]]}, not a probability in [0, 1]')
    return scores, right


def _logit(scores: np.ndarray) -> np.ndarray:
    scores = np.clip(scores, _LEAST, 1 - _LEAST)
    return np.log(scores) - np.log1p(-scores)
