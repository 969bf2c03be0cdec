"""Score a mask per expression that has one, many or no target (Ref-ZOM)."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mmvg.checks import check_choice
from mmvg.evaluation.functional import mask_iou, refzom_scores, scores_above
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, precision_parts, read_field
from mmvg.masks import intersection_and_union, mask_area, read_mask
from mmvg.registry import METRICS


@METRICS.register_module()
class RefZOMMetric(GroundingMetric):
    """oIoU, mIoU and P@X of expressions with a target, Acc of those without (Ref-ZOM, arXiv:2308.13853).

    Reads ``pred_sem_seg.sem_seg`` and ``gt_sem_seg.sem_seg``, binary (1, H, W) or RLE, and ``no_target``.

    Args:
        no_target_from: Where the verdict "nothing" comes from: ``mask``, a predicted mask without a pixel (the official
            evaluator); ``score``, ``target_score`` not above ``score_thr`` (InstanceVG); ``flag``,
            ``pred_no_target``.
        score_thr: For ``score``.
        thresholds: The X of P@X, the percent of expressions with a target whose IoU is X or more.
        resolution: See :class:`GroundingMetric`.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = RefZOMMetric(thresholds=[0.5])
        >>> ids = dict(dataset='refzom', img_id=1, ref_id=2, gt_frame='original')
        >>> empty, whole = dict(sem_seg=[[[False, False]]]), dict(sem_seg=[[[True, True]]])
        >>> target = dict(no_target=False, gt_sem_seg=whole, pred_sem_seg=whole)
        >>> nothing = dict(no_target=True, gt_sem_seg=empty, pred_sem_seg=empty)
        >>> metric.process({}, [dict(**ids, sent_id=3, **target), dict(**ids, sent_id=4, **nothing)])
        >>> metric.evaluate(size=2)
        {'refzom/oIoU': 100.0, 'refzom/mIoU': 100.0, 'refzom/Acc': 100.0, 'refzom/P@0.5': 100.0,
         'refzom/num_samples': 2}
    """

    default_prefix = 'refzom'
    additive = True
    needs_masks = True

    def __init__(
        self,
        no_target_from: Literal['mask', 'score', 'flag'] = 'mask',
        score_thr: float = 0.7,
        thresholds: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9),
        resolution: Literal['original', 'resized', 'input'] = 'original',
        prefix: str | None = None,
    ) -> None:
        super().__init__(resolution, prefix)
        check_choice('no_target_from', no_target_from, ('mask', 'score', 'flag'))
        self.no_target_from = no_target_from
        self.score_thr = score_thr
        self.thresholds = tuple(thresholds)
        self.protocol.update(no_target_from=no_target_from)
        if no_target_from == 'score':
            self.protocol.update(score=f'> {score_thr:g}')

    def score(self, sample: dict) -> tuple[int, int, bool, bool]:
        """Count the pixels of intersection and union; tell "the model says nothing" and "nothing is meant"."""
        pred = read_mask(read_field(sample, 'pred_sem_seg', 'sem_seg'))
        gt = read_mask(read_field(sample, 'gt_sem_seg', 'sem_seg'))
        gt_no_target = bool(read_field(sample, 'no_target'))
        if gt_no_target and mask_area(gt):
            raise ValueError(f'no_target is set, but gt_sem_seg has {mask_area(gt)} foreground pixels')
        intersection, union = intersection_and_union(pred, gt)
        return intersection, union, said_nothing(sample, pred, self.no_target_from, self.score_thr), gt_no_target

    def parts(self, record: tuple[int, int, bool, bool]) -> dict[str, tuple[float, float]]:
        """Return Acc of an expression without a target, oIoU, mIoU and P@X of any other."""
        intersection, union, pred_no_target, gt_no_target = record
        if gt_no_target:
            return {'Acc': (float(pred_no_target), 1)}
        iou = mask_iou(intersection, union)
        return {'oIoU': (intersection, union), 'mIoU': (iou, 1)} | precision_parts(iou, self.thresholds)

    def summarize(self, records: list[tuple[int, int, bool, bool]]) -> dict[str, float]:
        """Compute oIoU, mIoU, Acc and P@X."""
        columns = zip(*records, strict=True) if records else ((), (), (), ())
        return refzom_scores(*columns, thresholds=self.thresholds)


def said_nothing(sample: dict, pred: np.ndarray | dict, source: str, score_thr: float) -> bool:
    """Tell whether a sample was answered with "nothing", by the ``mask`` ``pred``, the ``score`` or the ``flag``."""
    if source == 'mask':
        return mask_area(pred) == 0
    if source == 'flag':
        return bool(read_field(sample, 'pred_no_target'))
    return not scores_above(np.asarray(float(read_field(sample, 'target_score'))), score_thr, '>')
