"""Scores of Ref-L4: accuracy at many overlaps, and by the size of the object."""

from collections.abc import Sequence

from mmvg.evaluation.functional.cgf1 import COCO_THRESHOLDS
from mmvg.evaluation.functional.percent import percent_above

#: Ends of small and medium: square root of the area of the true box, in pixels of the original image.
SMALL, LARGE = 128, 256


def ref_l4_scores(ious: Sequence[float], sides: Sequence[float]) -> dict[str, float]:
    """Compute the scores of Ref-L4 (arXiv:2406.16866) from the IoU of each answer with the true box, in percent.

    ``Acc@X`` counts IoU **above** X, and ``mAcc`` is their mean over X = 0.5, 0.55 ... 0.95, as in the authors'
    evaluator; both also of small, medium and large objects. Its averages over classes are not computed: they need the
    table that joins the classes of COCO and Objects365.

    Args:
        ious: Of each expression.
        sides: Square root of the area of its true box, in pixels.

    Returns:
        Percent by name; NaN where there is no such object.

    Example:
        >>> scores = ref_l4_scores([0.6, 0.5, 0.96], [100, 128, 300])
        >>> {name: round(value, 1) for name, value in scores.items() if 'mAcc' not in name}
        {'Acc@0.5': 66.7, 'Acc@0.75': 33.3, 'Acc@0.9': 33.3,
         'small/Acc@0.5': 100.0, 'medium/Acc@0.5': 0.0, 'large/Acc@0.5': 100.0}
    """
    found = {f'Acc@{threshold:g}': percent_above(ious, threshold) for threshold in (0.5, 0.75, 0.9)}
    found['mAcc'] = _mean_accuracy(ious)
    sizes = dict(small=lambda s: s < SMALL, medium=lambda s: SMALL <= s <= LARGE, large=lambda s: s > LARGE)
    for name, belongs in sizes.items():
        of_size = [iou for iou, side in zip(ious, sides, strict=True) if belongs(side)]
        found |= {f'{name}/Acc@0.5': percent_above(of_size, 0.5), f'{name}/mAcc': _mean_accuracy(of_size)}
    return found


def _mean_accuracy(ious: Sequence[float]) -> float:
    return sum(percent_above(ious, threshold) for threshold in COCO_THRESHOLDS) / len(COCO_THRESHOLDS)
