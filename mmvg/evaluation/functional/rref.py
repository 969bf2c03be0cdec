"""R-RefCOCO (arXiv:2209.09554): positive and negative sentences about one reference."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from math import fsum
from typing import NamedTuple

from mmvg.evaluation.functional.percent import mean_percent, percent
from mmvg.evaluation.functional.res import mask_iou


class RRefScore(NamedTuple):
    """What one sentence adds to its reference.

    Args:
        ref: Which reference the sentence is about.
        negative: It describes nothing in the image.
        intersection: Pixels in both masks; of a negative sentence 0.
        union: Pixels in either mask; of a negative sentence 0.
        answered: The model gave an answer, if the sentence is negative.
        false_pixels: Pixels of that answer, if the sentence is negative.

    Example:
        >>> RRefScore(ref=7, negative=True, intersection=0, union=0, answered=False, false_pixels=0).negative
        True
    """

    ref: Hashable
    negative: bool
    intersection: int
    union: int
    answered: bool
    false_pixels: int


def rref_scores(scores: Sequence[RRefScore], product_form: bool = False) -> dict[str, float]:
    r"""Compute mIoU, mRR, rIoU and oIoU in percent: per reference first, then the plain mean over references.

    .. math::
        mIoU_r = \frac{1}{|P_r|} \sum_{P_r} \frac{I}{U}, \quad
        RR_r = \frac{|\{n \in N_r : \text{rejected}\}|}{|N_r|}, \quad
        rIoU_r = \frac{\sum_{P_r} I}{\sum_{P_r} U + \sum_{n \in N_r, \text{answered}} \text{pixels}_n}

    with the positive sentences :math:`P_r` and the negative ones :math:`N_r`; oIoU is the ratio of the sums over all
    positive sentences. A reference without positive sentences is left out of mIoU, one without negative ones out of
    mRR, and one whose denominator is 0 out of rIoU; see :func:`rref_left_out`.

    Args:
        scores: One per sentence.
        product_form: Add ``rIoU_product``, the mean of :math:`RR_r \cdot mIoU_r` over references that have both, which
            the authors gave in an early answer.

    Example:
        >>> positive = RRefScore('ref 7', False, intersection=30, union=40, answered=False, false_pixels=0)
        >>> negative = RRefScore('ref 7', True, intersection=0, union=0, answered=True, false_pixels=20)
        >>> rref_scores([positive, negative])
        {'mIoU': 75.0, 'mRR': 0.0, 'rIoU': 50.0, 'oIoU': 75.0}
    """
    refs = _by_ref(scores)
    ious = {ref: _mean_iou(positive) for ref, (positive, _) in refs.items() if positive}
    rejections = {ref: _rejected_share(negative) for ref, (_, negative) in refs.items() if negative}
    positives = [score for score in scores if not score.negative]
    results = {
        'mIoU': mean_percent(ious.values()),
        'mRR': mean_percent(rejections.values()),
        'rIoU': mean_percent(_pixel_form(*sentences) for sentences in refs.values() if _pixels(*sentences)),
        'oIoU': percent(sum(score.intersection for score in positives), sum(score.union for score in positives)),
    }
    if product_form:
        results['rIoU_product'] = mean_percent(ious[ref] * rejections[ref] for ref in ious if ref in rejections)
    return results


def rref_left_out(scores: Sequence[RRefScore]) -> dict[str, int]:
    """Count the references that are left out of mIoU, mRR and rIoU.

    Example:
        >>> rref_left_out([RRefScore('ref 7', False, intersection=30, union=40, answered=False, false_pixels=0)])
        {'mIoU': 0, 'mRR': 1, 'rIoU': 0}
    """
    refs = _by_ref(scores).values()
    return {
        'mIoU': sum(not positive for positive, _ in refs),
        'mRR': sum(not negative for _, negative in refs),
        'rIoU': sum(not _pixels(*sentences) for sentences in refs),
    }


def _by_ref(scores: Sequence[RRefScore]) -> dict[Hashable, tuple[list[RRefScore], list[RRefScore]]]:
    """Collect the positive and the negative sentences of each reference."""
    refs: dict[Hashable, tuple[list[RRefScore], list[RRefScore]]] = defaultdict(lambda: ([], []))
    for score in scores:
        refs[score.ref][score.negative].append(score)
    return dict(refs)


def _mean_iou(positive: list[RRefScore]) -> float:
    """Compute the mean IoU of the positive sentences of a reference, mIoU_r."""
    return fsum(mask_iou(score.intersection, score.union) for score in positive) / len(positive)


def _rejected_share(negative: list[RRefScore]) -> float:
    """Compute the share of negative sentences of a reference that were rejected, RR_r."""
    return sum(not score.answered for score in negative) / len(negative)


def _pixels(positive: list[RRefScore], negative: list[RRefScore]) -> int:
    """Compute the denominator of rIoU: union of the positive sentences, pixels answered to the negative ones."""
    return sum(score.union for score in positive) + sum(score.false_pixels for score in negative if score.answered)


def _pixel_form(positive: list[RRefScore], negative: list[RRefScore]) -> float:
    """Compute rIoU_r of a reference."""
    return sum(score.intersection for score in positive) / _pixels(positive, negative)
