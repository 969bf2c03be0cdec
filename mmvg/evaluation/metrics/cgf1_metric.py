"""Score a set of instances and whether anything is meant, in one number (SAM 3)."""

from typing import Any, Literal

import numpy as np

from mmvg.checks import check_choice
from mmvg.evaluation.functional import COCO_THRESHOLDS, CGF1Score, box_overlaps, cgf1_score, cgf1_scores, scores_above
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, read_array, read_field, read_gt_boxes
from mmvg.masks import mask_overlaps
from mmvg.registry import METRICS


@METRICS.register_module()
class CGF1Metric(GroundingMetric):
    """cgF1 = 100 * pmF1 * IL_MCC, and pMF1 (SAM 3, arXiv:2511.16719, Sec. 5 and App. E.3); see :func:`cgf1_scores`.

    Instances with a passing score are listed and paired with the true ones by an optimal assignment on IoU. One
    annotation per expression; SA-Co/Gold has three, of which the authors' evaluator takes the most favourable.

    Reads ``pred_instances.scores`` (Q,) with ``masks`` (Q, H, W) or RLE, or ``bboxes`` (Q, 4); ``gt_instances`` with
    the same; ``no_target``.

    Args:
        instances: Compare ``masks`` or ``boxes``.
        score_thr: Instances are listed at this score; 0.5 in the paper.
        comparison: ``>=`` in double precision as in the authors' evaluator, or ``>`` as in the paper's text.
        resolution: See :class:`GroundingMetric`.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = CGF1Metric(instances='boxes')
        >>> ids = dict(dataset='grefcoco', img_id=1, ref_id=2, gt_frame='original')
        >>> box, nothing = dict(bboxes=[[0, 0, 4, 4]], scores=[0.9]), dict(bboxes=[], scores=[])
        >>> metric.process({}, [dict(**ids, sent_id=3, no_target=False, gt_instances=box, pred_instances=box)])
        >>> metric.process({}, [dict(**ids, sent_id=4, no_target=True, gt_instances=nothing, pred_instances=nothing)])
        >>> metric.evaluate(size=2)
        {'cgf1/cgF1': 100.0, 'cgf1/pmF1': 100.0, 'cgf1/IL_MCC': 1.0, 'cgf1/pMF1': 100.0, 'cgf1/num_samples': 2}
    """

    default_prefix = 'cgf1'

    def __init__(
        self,
        instances: Literal['masks', 'boxes'] = 'masks',
        score_thr: float = 0.5,
        comparison: Literal['>=', '>'] = '>=',
        resolution: Literal['original', 'resized', 'input'] = 'original',
        prefix: str | None = None,
    ) -> None:
        super().__init__(resolution, prefix)
        self.instances = check_choice('instances', instances, ('masks', 'boxes'))
        self.score_thr = score_thr
        self.comparison = check_choice('comparison', comparison, ('>=', '>'))
        self.needs_masks = instances == 'masks'
        self.protocol.update(instances=instances, score=f'{comparison} {score_thr:g}')

    def score(self, sample: dict) -> CGF1Score:
        """Pair what is listed with what is meant."""
        listed = np.flatnonzero(
            scores_above(read_array(sample, 'pred_instances', 'scores'), self.score_thr, self.comparison)
        )
        gt_boxes = read_gt_boxes(sample)
        if self.instances == 'boxes':
            return cgf1_score(box_overlaps(read_array(sample, 'pred_instances', 'bboxes')[listed], gt_boxes))
        gt_masks = _masks(read_field(sample, 'gt_instances', 'masks')) if len(gt_boxes) else []
        masks = _masks(read_field(sample, 'pred_instances', 'masks')) if len(listed) else []
        return cgf1_score(mask_overlaps([masks[place] for place in listed], gt_masks))

    def parts(self, record: CGF1Score) -> dict[str, tuple[float, float]]:
        """Return pmF1 at each threshold and pMF1 of an expression with a target, and its cell of the verdicts."""
        cell = f'IL_{"T" if (record.num_pred > 0) == (record.num_gt > 0) else "F"}{"P" if record.num_pred else "N"}'
        parts: dict[str, tuple[float, float]] = {cell: (1, 1)}
        if record.num_gt:
            found, boxes = [2 * count for count in record.true_positives], record.num_pred + record.num_gt
            parts |= {f'pmF1@{at:g}': (count, boxes) for at, count in zip(COCO_THRESHOLDS, found, strict=True)}
            parts['pMF1'] = (sum(found) / len(found) / boxes, 1)
        return parts

    def summarize(self, records: list[CGF1Score]) -> dict[str, float]:
        """Compute cgF1, pmF1, IL_MCC and pMF1."""
        if not any(record.num_gt == 0 for record in records):
            self._warn('IL_MCC and cgF1 need expressions without a target, and there are none')
        return cgf1_scores(records)


def _masks(value: Any) -> Any:
    """Return masks as a sequence: a list of RLE, an array, a tensor, or the array of mmdet's BitmapMasks."""
    return getattr(value, 'masks', value)
