"""Score the points that queries start from (InstanceVG)."""

from typing import Literal

from mmvg.evaluation.functional import check_boxes, covered_share, mean_percent
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, read_array
from mmvg.registry import METRICS


@METRICS.register_module()
class CoverAcc(GroundingMetric):
    """Mean share of true boxes that hold at least one query point, over expressions with a box (InstanceVG).

    Reads ``pred_instances.points`` (Q, 2), x and y, and ``gt_instances.bboxes`` (N, 4).

    Args:
        resolution: See :class:`GroundingMetric`.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = CoverAcc()
        >>> ids = dict(dataset='grefcoco', img_id=1, ref_id=2, sent_id=3, gt_frame='original')
        >>> gt = dict(bboxes=[[0, 0, 4, 4], [6, 0, 9, 4]])
        >>> metric.process({}, [dict(**ids, gt_instances=gt, pred_instances=dict(points=[[2, 2], [5, 2]]))])
        >>> metric.evaluate(size=1)
        {'cover/CoverAcc': 50.0, 'cover/num_samples': 1}
    """

    default_prefix = 'cover'
    additive = True

    def __init__(
        self, resolution: Literal['original', 'resized', 'input'] = 'original', prefix: str | None = None
    ) -> None:
        super().__init__(resolution, prefix)

    def score(self, sample: dict) -> float | None:
        """Compute the share of covered boxes, None without a true box."""
        boxes = check_boxes(read_array(sample, 'gt_instances', 'bboxes'))
        return covered_share(read_array(sample, 'pred_instances', 'points'), boxes) if len(boxes) else None

    def parts(self, record: float | None) -> dict[str, tuple[float, float]]:
        """Return CoverAcc of an expression with a box."""
        return {} if record is None else {'CoverAcc': (record, 1)}

    def summarize(self, records: list[float | None]) -> dict[str, float]:
        """Compute the mean over expressions with a box."""
        return {'CoverAcc': mean_percent(record for record in records if record is not None)}
