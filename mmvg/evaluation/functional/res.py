"""Referring segmentation with exactly one answer per expression: mIoU, oIoU, Prec@X as in LAVT (arXiv:2112.02244)."""

from collections.abc import Sequence

from mmvg.evaluation.functional.percent import mean_percent, percent, percent_at_least


def mask_iou(intersection: int, union: int) -> float:
    """``intersection / union`` in pixels, 0 where both masks are empty."""
    return intersection / union if union else 0.0


def res_scores(
    intersections: Sequence[int], unions: Sequence[int], thresholds: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9)
) -> dict[str, float]:
    """mIoU, oIoU ("cIoU" of many tables) and P@X in percent, from N pixel counts; NaN where nothing can be divided."""
    ious = [mask_iou(i, u) for i, u in zip(intersections, unions, strict=True)]
    return {
        'mIoU': mean_percent(ious),
        'oIoU': percent(sum(intersections), sum(unions)),
        **{f'P@{threshold:g}': percent_at_least(ious, threshold) for threshold in thresholds},
    }
