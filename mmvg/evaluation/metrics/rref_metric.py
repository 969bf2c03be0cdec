"""Score a mask per positive and negative sentence of a reference (R-RefCOCO)."""

from typing import Literal

from mmvg.checks import check_choice
from mmvg.evaluation.functional import RRefScore, mask_iou, rref_left_out, rref_scores
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, read_field
from mmvg.evaluation.metrics.refzom_metric import said_nothing
from mmvg.masks import intersection_and_union, mask_area, read_mask
from mmvg.registry import METRICS


@METRICS.register_module()
class RRefMetric(GroundingMetric):
    """mIoU, mRR, rIoU and oIoU of references with positive and negative sentences (R-RefCOCO, arXiv:2209.09554).

    Sentences are grouped by ``(dataset, ref_id)``, whatever their order and process. Reads ``pred_sem_seg.sem_seg`` and
    ``gt_sem_seg.sem_seg``, binary (1, H, W) or RLE, and ``no_target``, which marks the negative sentences.

    Args:
        no_target_from: How a sentence is rejected. ``mask``: a predicted mask without a pixel. ``flag``:
            ``pred_no_target`` empties the mask first, of positive sentences too (RefSegformer with its existence head).
            ``score``: ``target_score`` not above ``score_thr`` rejects negative sentences, and positive ones keep
            their mask (InstanceVG).
        score_thr: For ``score``.
        product_form: Report ``rIoU_product`` too.
        resolution: See :class:`GroundingMetric`.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = RRefMetric()
        >>> ids = dict(dataset='rrefcoco', img_id=1, ref_id=2, gt_frame='original')
        >>> empty, whole = dict(sem_seg=[[[False, False]]]), dict(sem_seg=[[[True, True]]])
        >>> positive = dict(no_target=False, gt_sem_seg=whole, pred_sem_seg=whole)
        >>> negative = dict(no_target=True, gt_sem_seg=empty, pred_sem_seg=whole)  # should have been empty
        >>> metric.process({}, [dict(**ids, sent_id=3, **positive), dict(**ids, sent_id=4, **negative)])
        >>> metric.evaluate(size=2)
        {'rref/mIoU': 100.0, 'rref/mRR': 0.0, 'rref/rIoU': 50.0, 'rref/oIoU': 100.0, 'rref/num_samples': 2}
    """

    default_prefix = 'rref'
    needs_masks = True

    def __init__(
        self,
        no_target_from: Literal['mask', 'flag', 'score'] = 'mask',
        score_thr: float = 0.7,
        product_form: bool = False,
        resolution: Literal['original', 'resized', 'input'] = 'original',
        prefix: str | None = None,
    ) -> None:
        super().__init__(resolution, prefix)
        check_choice('no_target_from', no_target_from, ('mask', 'flag', 'score'))
        self.no_target_from = no_target_from
        self.score_thr = score_thr
        self.product_form = product_form
        self.protocol.update(no_target_from=no_target_from, rIoU='pixels')
        if no_target_from == 'score':
            self.protocol.update(score=f'> {score_thr:g}')

    def score(self, sample: dict) -> RRefScore:
        """Count the pixels of a positive sentence, or those with which a negative one was answered."""
        ref = (sample['dataset'], sample['ref_id'])
        pred = read_mask(read_field(sample, 'pred_sem_seg', 'sem_seg'))
        gt = read_mask(read_field(sample, 'gt_sem_seg', 'sem_seg'))
        intersection, union = intersection_and_union(pred, gt)
        emptied = self.no_target_from == 'flag' and bool(read_field(sample, 'pred_no_target'))
        if not read_field(sample, 'no_target'):
            return RRefScore(ref, False, 0 if emptied else intersection, mask_area(gt) if emptied else union, True, 0)
        if mask_area(gt):
            raise ValueError(f'no_target is set, but gt_sem_seg has {mask_area(gt)} foreground pixels')
        if self.no_target_from == 'score':
            rejected = said_nothing(sample, pred, 'score', self.score_thr)
        else:
            rejected = emptied or mask_area(pred) == 0
        return RRefScore(ref, True, 0, 0, not rejected, 0 if rejected else mask_area(pred))

    def parts(self, record: RRefScore) -> dict[str, tuple[float, float]]:
        """Return oIoU and IoU of a positive sentence, ``rejected`` of a negative one; means over refs are none."""
        if record.negative:
            return {'rejected': (float(not record.answered), 1)}
        pixels = record.intersection, record.union
        return {'oIoU': pixels, 'IoU': (mask_iou(*pixels), 1)}

    def summarize(self, records: list[RRefScore]) -> dict[str, float]:
        """Compute mIoU, mRR, rIoU and oIoU, and ``rIoU_product`` if asked for."""
        for name, count in rref_left_out(records).items():
            if count:
                self._warn(f'{count} references are left out of {name}, which is undefined for them')
        return rref_scores(records, self.product_form)
