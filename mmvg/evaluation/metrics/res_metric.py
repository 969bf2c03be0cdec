"""Score a mask per expression that has a target (RES)."""

from collections.abc import Sequence
from typing import Literal

from mmvg.checks import check_choice
from mmvg.evaluation.functional import mask_iou, res_scores
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, precision_parts, read_field
from mmvg.masks import intersection_and_union
from mmvg.registry import METRICS


@METRICS.register_module()
class RESMetric(GroundingMetric):
    """mIoU, oIoU and P@X of one mask per expression, for datasets in which every expression has a target.

    Reads ``pred_sem_seg.sem_seg`` and ``gt_sem_seg.sem_seg``, binary (1, H, W) or RLE.

    Args:
        thresholds: The X of P@X, the percent of expressions with IoU >= X.
        comparison: ``'>='``, or ``'>'`` as CRIS and CROG count.
        resolution: See :class:`GroundingMetric`.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = RESMetric(thresholds=[0.5])
        >>> ids = dict(dataset='refcoco', img_id=1, ref_id=2, sent_id=3)
        >>> pred, gt = dict(sem_seg=[[[True, False]]]), dict(sem_seg=[[[True, True]]])
        >>> metric.process({}, [dict(**ids, no_target=False, gt_frame='original', pred_sem_seg=pred, gt_sem_seg=gt)])
        >>> metric.evaluate(size=1)
        {'res/mIoU': 50.0, 'res/oIoU': 50.0, 'res/P@0.5': 100.0, 'res/num_samples': 1}
    """

    default_prefix = 'res'
    additive = True
    needs_masks = True

    def __init__(
        self,
        thresholds: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9),
        comparison: Literal['>=', '>'] = '>=',
        resolution: Literal['original', 'resized', 'input'] = 'original',
        prefix: str | None = None,
    ) -> None:
        super().__init__(resolution, prefix)
        self.thresholds = tuple(thresholds)
        self.comparison = check_choice('RESMetric.comparison', comparison, ('>=', '>'))
        self.protocol.update(precision=f'IoU {comparison} X')

    def score(self, sample: dict) -> tuple[int, int]:
        """Count the pixels of intersection and union."""
        if sample.get('no_target'):
            raise ValueError('RES is defined for expressions with a target; use GRESMetric for this dataset')
        pred = read_field(sample, 'pred_sem_seg', 'sem_seg')
        return intersection_and_union(pred, read_field(sample, 'gt_sem_seg', 'sem_seg'))

    def parts(self, record: tuple[int, int]) -> dict[str, tuple[float, float]]:
        """Return mIoU, oIoU and P@X."""
        iou = mask_iou(*record)
        return {'mIoU': (iou, 1), 'oIoU': record} | precision_parts(iou, self.thresholds, self.comparison == '>')

    def summarize(self, records: list[tuple[int, int]]) -> dict[str, float]:
        """Compute mIoU, oIoU and P@X."""
        return res_scores([i for i, _ in records], [u for _, u in records], self.thresholds, self.comparison)
