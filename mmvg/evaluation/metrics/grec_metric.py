"""Score a set of boxes per expression (GREC)."""

from typing import Literal

from mmvg.checks import check_choice
from mmvg.evaluation.functional import (
    check_boxes,
    f1_of_overlaps,
    no_target_accuracy,
    overlaps_of_checked,
    percent_at_least,
    scores_above,
)
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, read_array, read_gt_boxes, verdict_parts
from mmvg.registry import METRICS


@METRICS.register_module()
class GRECMetric(GroundingMetric):
    """F1 = percent of expressions answered without a fault (F1 of the boxes is 1), N-acc and T-acc.

    Pr@(F1=1, IoU>=0.5) of GREC (arXiv:2308.16182): boxes with a passing score are matched greedily at an overlap of 0.5
    or more; a no-target expression is right if no box passes. Reads ``pred_instances.bboxes`` (Q, 4) and ``scores``
    (Q,), ``gt_instances.bboxes`` (N, 4) and ``no_target``.

    Args:
        matching: ``giou`` as in the official evaluator, or ``iou`` as in the paper's text.
        score_thr: Boxes pass at this score; 0.7 in the published tables.
        comparison: ``>=`` in double precision (gRefCOCO, InstanceVG) or ``>`` (DeRIS).
        resolution: See :class:`GroundingMetric`.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = GRECMetric()
        >>> ids = dict(dataset='grefcoco', img_id=1, ref_id=2, sent_id=3)
        >>> pred = dict(bboxes=[[0, 0, 4, 4], [6, 0, 9, 4]], scores=[0.9, 0.3])  # the second does not pass
        >>> gt = dict(no_target=False, gt_instances=dict(bboxes=[[0, 0, 4, 4]]), gt_frame='original')
        >>> metric.process({}, [dict(**ids, **gt, pred_instances=pred)])
        >>> metric.evaluate(size=1)
        {'grec/F1': 100.0, 'grec/N-acc': 0.0, 'grec/T-acc': 100.0, 'grec/num_samples': 1}
    """

    default_prefix = 'grec'
    additive = True

    def __init__(
        self,
        matching: Literal['giou', 'iou'] = 'giou',
        score_thr: float = 0.7,
        comparison: Literal['>=', '>'] = '>=',
        resolution: Literal['original', 'resized', 'input'] = 'original',
        prefix: str | None = None,
    ) -> None:
        super().__init__(resolution, prefix)
        check_choice('matching', matching, ('giou', 'iou'))
        check_choice('comparison', comparison, ('>=', '>'))
        self.matching = matching
        self.score_thr = score_thr
        self.comparison = comparison
        self.protocol.update(matching=matching, score=f'{comparison} {score_thr:g}')

    def score(self, sample: dict) -> tuple[float, bool, bool]:
        """Compute F1 of the boxes, "no box passes", "nothing is meant"."""
        gt_boxes = read_gt_boxes(sample)
        boxes = check_boxes(read_array(sample, 'pred_instances', 'bboxes'))
        scores = read_array(sample, 'pred_instances', 'scores')
        if scores.shape != (len(boxes),):
            raise ValueError(f'{len(boxes)} boxes need scores of shape ({len(boxes)},), not {scores.shape}')
        kept = boxes[scores_above(scores, self.score_thr, self.comparison)]
        f1 = f1_of_overlaps(overlaps_of_checked(kept, gt_boxes, self.matching))
        return f1, len(kept) == 0, len(gt_boxes) == 0

    def parts(self, record: tuple[float, bool, bool]) -> dict[str, tuple[float, float]]:
        """Return F1, the F1 of the boxes (``set_F1``), and N-acc or T-acc."""
        f1, pred_no_target, gt_no_target = record
        return {'F1': (float(f1 >= 1), 1), 'set_F1': (f1, 1)} | verdict_parts(pred_no_target, gt_no_target)

    def summarize(self, records: list[tuple[float, bool, bool]]) -> dict[str, float]:
        """Compute F1, N-acc and T-acc."""
        f1, pred_no_target, gt_no_target = zip(*records, strict=True) if records else ((), (), ())
        if not any(gt_no_target):
            self._warn('N-acc is reported as 0: no sample is without a target')
        return {'F1': percent_at_least(f1, 1), **no_target_accuracy(pred_no_target, gt_no_target)}
