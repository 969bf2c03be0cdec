"""Score a mask and a no-target verdict per expression (GRES)."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mmvg.checks import check_choice
from mmvg.evaluation.functional import GRESScore, gres_score, gres_scores, scores_above
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, precision_parts, read_field, verdict_parts
from mmvg.masks import intersection_and_union, mask_area, read_mask
from mmvg.registry import METRICS


@METRICS.register_module()
class GRESMetric(GroundingMetric):
    """gIoU, cIoU, N-acc, T-acc and P@X of one mask and one no-target verdict per expression (arXiv:2306.00968).

    Reads ``pred_sem_seg.sem_seg`` and ``gt_sem_seg.sem_seg``, binary (1, H, W) or RLE, ``no_target``, and what
    ``no_target_from`` names.

    Args:
        no_target_from: Where the model's verdict "nothing is meant" comes from: ``flag`` is ``pred_no_target``;
            ``score`` is ``target_score`` not passing ``score_thr``; ``mask`` is a predicted mask without pixels.
        score_thr: For ``score``; 0.7 in InstanceVG's tables.
        comparison: For ``score``: ``>`` in float32 as InstanceVG does, or ``>=`` in double precision.
        thresholds: The X of P@X, the percent of expressions with a target whose IoU is X or more.
        resolution: See :class:`GroundingMetric`.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = GRESMetric(thresholds=[0.7])
        >>> ids = dict(dataset='grefcoco', img_id=1, ref_id=2, gt_frame='original')
        >>> empty, whole = dict(sem_seg=[[[False, False]]]), dict(sem_seg=[[[True, True]]])
        >>> target = dict(no_target=False, gt_sem_seg=whole, pred_sem_seg=whole, pred_no_target=False)
        >>> nothing = dict(no_target=True, gt_sem_seg=empty, pred_sem_seg=whole, pred_no_target=False)
        >>> metric.process({}, [dict(**ids, sent_id=3, **target), dict(**ids, sent_id=4, **nothing)])
        >>> metric.evaluate(size=2)
        {'gres/gIoU': 50.0, 'gres/cIoU': 50.0, 'gres/N-acc': 0.0, 'gres/T-acc': 100.0,
         'gres/P@0.7': 100.0, 'gres/num_samples': 2}
    """

    default_prefix = 'gres'
    additive = True
    needs_masks = True

    def __init__(
        self,
        no_target_from: Literal['flag', 'score', 'mask'] = 'flag',
        score_thr: float = 0.7,
        comparison: Literal['>', '>='] = '>',
        thresholds: Sequence[float] = (0.7, 0.8, 0.9),
        resolution: Literal['original', 'resized', 'input'] = 'original',
        prefix: str | None = None,
    ) -> None:
        super().__init__(resolution, prefix)
        check_choice('no_target_from', no_target_from, ('flag', 'score', 'mask'))
        check_choice('comparison', comparison, ('>', '>='))
        self.no_target_from = no_target_from
        self.score_thr = score_thr
        self.comparison = comparison
        self.thresholds = tuple(thresholds)
        self.protocol.update(no_target_from=no_target_from)
        if no_target_from == 'score':
            self.protocol.update(score=f'{comparison} {score_thr:g}')

    def score(self, sample: dict) -> GRESScore:
        """Score a sample by the table of :func:`gres_score`."""
        pred = read_mask(read_field(sample, 'pred_sem_seg', 'sem_seg'))
        gt = read_mask(read_field(sample, 'gt_sem_seg', 'sem_seg'))
        gt_no_target = bool(read_field(sample, 'no_target'))
        intersection, union = intersection_and_union(pred, gt)
        if gt_no_target and mask_area(gt):
            raise ValueError(f'no_target is set, but gt_sem_seg has {mask_area(gt)} foreground pixels')
        if self.no_target_from == 'flag':
            pred_no_target = bool(read_field(sample, 'pred_no_target'))
        elif self.no_target_from == 'mask':
            pred_no_target = mask_area(pred) == 0
        else:
            score = np.asarray(float(read_field(sample, 'target_score')))
            pred_no_target = not scores_above(score, self.score_thr, self.comparison)
        return gres_score(intersection, union, pred_no_target, gt_no_target)

    def parts(self, record: GRESScore) -> dict[str, tuple[float, float]]:
        """Return gIoU, cIoU, N-acc or T-acc, and P@X of an expression with a target."""
        parts = {'gIoU': (record.iou, 1), 'cIoU': (record.intersection, record.union)}
        parts |= verdict_parts(record.pred_no_target, record.gt_no_target)
        return parts if record.gt_no_target else parts | precision_parts(record.iou, self.thresholds)

    def summarize(self, records: list[GRESScore]) -> dict[str, float]:
        """Compute gIoU, cIoU, N-acc, T-acc and P@X."""
        if not any(record.gt_no_target for record in records):
            self._warn('N-acc is reported as 0: no sample is without a target')
        return gres_scores(records, self.thresholds)
