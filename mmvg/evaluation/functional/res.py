"""Referring segmentation with exactly one answer per expression: mIoU, oIoU, Prec@X as in LAVT (arXiv:2112.02244)."""

from collections.abc import Sequence

from mmvg.evaluation.functional.percent import mean_percent, percent, percent_above, percent_at_least


def mask_iou(intersection: int, union: int) -> float:
    """Compute ``intersection / union`` of pixel counts, 0 where both masks are empty.

    Example:
        >>> mask_iou(10, 40)
        0.25
    """
    return intersection / union if union else 0.0


def res_scores(
    intersections: Sequence[int],
    unions: Sequence[int],
    thresholds: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9),
    comparison: str = '>=',
) -> dict[str, float]:
    """Compute mIoU, oIoU ("cIoU" of many tables) and P@X in percent; NaN where nothing can be divided.

    Args:
        intersections: Pixels in both masks, for each of N expressions.
        unions: Pixels in either mask.
        thresholds: The X of P@X.
        comparison: ``'>='``, or ``'>'`` for IoU above X.

    Example:
        >>> res_scores([10, 20], [20, 20], thresholds=[0.5, 0.9])
        {'mIoU': 75.0, 'oIoU': 75.0, 'P@0.5': 100.0, 'P@0.9': 50.0}
    """
    ious = [mask_iou(i, u) for i, u in zip(intersections, unions, strict=True)]
    share = percent_at_least if comparison == '>=' else percent_above
    return {
        'mIoU': mean_percent(ious),
        'oIoU': percent(sum(intersections), sum(unions)),
        **{f'P@{threshold:g}': share(ious, threshold) for threshold in thresholds},
    }
