"""N-acc and T-acc: whether a model notices that an expression means nothing in the image."""

from collections.abc import Sequence

from mmvg.evaluation.functional.percent import mean_percent


def no_target_accuracy(pred_no_target: Sequence[bool], gt_no_target: Sequence[bool]) -> dict[str, float]:
    """Compute N-acc and T-acc in percent (GRES, arXiv:2306.00968, Sec. 5).

    N-acc is the share of no-target expressions that were answered with "nothing", 0 if there is no such expression
    (as ReLA and InstanceVG report it); T-acc the share of expressions with a target that were answered with something,
    NaN if there is none.

    Args:
        pred_no_target: N flags, True = the model says that nothing is meant.
        gt_no_target: N flags, True = nothing is meant.

    Returns:
        ``{'N-acc': ..., 'T-acc': ...}``.

    Example:
        >>> no_target_accuracy(pred_no_target=[True, False, False], gt_no_target=[True, True, False])
        {'N-acc': 50.0, 'T-acc': 100.0}
    """
    pairs = list(zip(pred_no_target, gt_no_target, strict=True))
    rejected = [pred for pred, gt in pairs if gt]
    accepted = [not pred for pred, gt in pairs if not gt]
    return {'N-acc': mean_percent(rejected) if rejected else 0.0, 'T-acc': mean_percent(accepted)}
