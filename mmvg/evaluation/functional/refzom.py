"""Ref-ZOM (arXiv:2308.13853): one, many or no target; masks are scored where there is a target."""

from collections.abc import Sequence

from mmvg.evaluation.functional.percent import mean_percent
from mmvg.evaluation.functional.res import res_scores


def refzom_scores(
    intersections: Sequence[int],
    unions: Sequence[int],
    pred_no_target: Sequence[bool],
    gt_no_target: Sequence[bool],
    thresholds: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9),
) -> dict[str, float]:
    """Compute oIoU, mIoU and P@X of the expressions that have a target, and Acc of those that have none, in percent.

    Acc is the share of expressions without a target that were answered with "nothing". Expressions without a target
    enter no IoU, and the verdict changes no IoU: a missed target is a mask without pixels. NaN where nothing can be
    divided.

    Args:
        intersections: Pixels in both masks, for each of N expressions.
        unions: Pixels in either mask.
        pred_no_target: The model says that nothing is meant.
        gt_no_target: Nothing is meant.
        thresholds: The X of P@X.

    Example:
        >>> refzom_scores([10, 0], [20, 5], [False, True], [False, True], thresholds=[0.5])
        {'oIoU': 50.0, 'mIoU': 50.0, 'Acc': 100.0, 'P@0.5': 100.0}
    """
    rows = list(zip(intersections, unions, pred_no_target, gt_no_target, strict=True))
    targets = [(i, u) for i, u, _, nothing in rows if not nothing]
    scores = res_scores([i for i, _ in targets], [u for _, u in targets], thresholds)
    acc = mean_percent(pred for _, _, pred, nothing in rows if nothing)
    precisions = {name: value for name, value in scores.items() if name.startswith('P@')}
    return {'oIoU': scores['oIoU'], 'mIoU': scores['mIoU'], 'Acc': acc, **precisions}
