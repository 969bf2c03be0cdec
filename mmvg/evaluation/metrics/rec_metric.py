"""Score the best box per expression (REC)."""

from collections.abc import Sequence
from typing import Literal

from mmvg.evaluation.functional import percent_at_least, top_box_iou
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, precision_parts, read_array, read_gt_boxes
from mmvg.registry import METRICS


@METRICS.register_module()
class RECMetric(GroundingMetric):
    """P@X: percent of expressions whose best-scored box has IoU >= X with the one true box.

    Reads ``pred_instances.bboxes`` (Q, 4) and ``scores`` (Q,), ``gt_instances.bboxes`` (1, 4). No threshold; among
    equal scores the larger box coordinates win; an answer without boxes is a miss.

    Args:
        thresholds: The X; 0.5 is the field's "accuracy".
        resolution: See :class:`GroundingMetric`; IoU differs between the two by rounding and clipping only.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = RECMetric(thresholds=[0.5, 0.9])
        >>> ids = dict(dataset='refcoco', img_id=1, ref_id=2, sent_id=3)
        >>> pred = dict(bboxes=[[0, 0, 4, 5]], scores=[0.9])
        >>> gt = dict(no_target=False, gt_instances=dict(bboxes=[[0, 0, 4, 4]]), gt_frame='original')
        >>> metric.process({}, [dict(**ids, **gt, pred_instances=pred)])  # IoU 0.8
        >>> metric.evaluate(size=1)
        {'rec/P@0.5': 100.0, 'rec/P@0.9': 0.0, 'rec/num_samples': 1}
    """

    default_prefix = 'rec'
    additive = True

    def __init__(
        self,
        thresholds: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9),
        resolution: Literal['original', 'resized', 'input'] = 'original',
        prefix: str | None = None,
    ) -> None:
        super().__init__(resolution, prefix)
        self.thresholds = tuple(thresholds)

    def score(self, sample: dict) -> float:
        """Compute the IoU of the best-scored box."""
        gt_boxes = read_gt_boxes(sample)
        if len(gt_boxes) != 1:
            raise ValueError(f'REC needs exactly one true box, not {len(gt_boxes)}; use GRECMetric for this dataset')
        boxes = read_array(sample, 'pred_instances', 'bboxes')
        return top_box_iou(boxes, read_array(sample, 'pred_instances', 'scores'), gt_boxes[0])

    def parts(self, record: float) -> dict[str, tuple[float, float]]:
        """Return IoU and P@X."""
        return {'IoU': (record, 1)} | precision_parts(record, self.thresholds)

    def summarize(self, records: list[float]) -> dict[str, float]:
        """Compute P@X for each threshold."""
        return {f'P@{threshold:g}': percent_at_least(records, threshold) for threshold in self.thresholds}
