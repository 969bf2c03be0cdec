"""Score the best box per expression as Ref-L4 does."""

from math import sqrt
from typing import Literal

from mmvg.evaluation.functional import box_areas, ref_l4_scores, top_box_iou
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, read_array, read_gt_boxes
from mmvg.registry import METRICS


@METRICS.register_module()
class RefL4Metric(GroundingMetric):
    """Acc@X and mAcc of Ref-L4 (arXiv:2406.16866), of all and by the size of the object; see :func:`ref_l4_scores`.

    Unlike P@X of :class:`RECMetric`, an IoU must be **above** X. Reads ``pred_instances.bboxes`` (Q, 4) and ``scores``
    (Q,), ``gt_instances.bboxes`` (1, 4).

    Args:
        resolution: See :class:`GroundingMetric`; sizes are those of its pixels.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = RefL4Metric()
        >>> ids = dict(dataset='ref-l4', img_id=1, ref_id=2, sent_id=2)
        >>> pred = dict(bboxes=[[0, 0, 4, 8]], scores=[0.9])
        >>> gt = dict(no_target=False, gt_instances=dict(bboxes=[[0, 0, 4, 4]]), gt_frame='original')
        >>> metric.process({}, [dict(**ids, **gt, pred_instances=pred)])  # IoU 0.5 is not above 0.5
        >>> metric.evaluate(size=1)['ref_l4/Acc@0.5']
        0.0
    """

    default_prefix = 'ref_l4'

    def __init__(
        self, resolution: Literal['original', 'resized', 'input'] = 'original', prefix: str | None = None
    ) -> None:
        super().__init__(resolution, prefix)
        self.protocol.update(accuracy='IoU > X')

    def score(self, sample: dict) -> tuple[float, float]:
        """Compute the IoU of the best-scored box, and the square root of the area of the true one."""
        gt_boxes = read_gt_boxes(sample)
        if len(gt_boxes) != 1:
            raise ValueError(f'Ref-L4 has exactly one true box, not {len(gt_boxes)}')
        boxes, scores = (read_array(sample, 'pred_instances', key) for key in ('bboxes', 'scores'))
        return top_box_iou(boxes, scores, gt_boxes[0]), sqrt(box_areas(gt_boxes)[0])

    def parts(self, record: tuple[float, float]) -> dict[str, tuple[float, float]]:
        """Return IoU and Acc@X."""
        return {'IoU': (record[0], 1)} | {f'Acc@{x:g}': (float(record[0] > x), 1) for x in (0.5, 0.75, 0.9)}

    def summarize(self, records: list[tuple[float, float]]) -> dict[str, float]:
        """Compute Acc@X and mAcc, of all and by size."""
        return ref_l4_scores([iou for iou, _ in records], [side for _, side in records])
