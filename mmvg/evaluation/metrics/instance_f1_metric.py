"""Score a set of boxes without confidence (Rex-Omni)."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mmvg.checks import check_choice
from mmvg.evaluation.functional import (
    COCO_THRESHOLDS,
    PrecisionRecall,
    box_overlaps,
    check_boxes,
    instance_f1_scores,
    precision_recall,
    scores_above,
)
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, read_array, read_gt_boxes
from mmvg.registry import METRICS


@METRICS.register_module()
class InstanceF1Metric(GroundingMetric):
    """Precision, recall and F1 of the set of boxes, at IoU 0.5, 0.95 and averaged (Rex-Omni, arXiv:2510.12798).

    F1@X is the harmonic mean of the mean precision and the mean recall over expressions, F1@mIoU the mean over
    thresholds; see :func:`instance_f1_scores` and :func:`precision_recall`. Not the F1 of GREC, which counts
    expressions without a fault. Reads ``pred_instances.bboxes`` (Q, 4), ``scores`` (Q,), ``gt_instances.bboxes``
    (N, 4) and ``no_target``.

    Args:
        score_thr: Boxes are listed at this score; a language model gives none, and all of its boxes have score 1.
        comparison: ``>=`` in double precision, or ``>`` in float32.
        thresholds: IoU thresholds that mIoU averages over.
        resolution: See :class:`GroundingMetric`.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = InstanceF1Metric(thresholds=[0.5])
        >>> ids = dict(dataset='grefcoco', img_id=1, ref_id=2, sent_id=3)
        >>> pred = dict(bboxes=[[0, 0, 4, 5], [6, 0, 9, 4]], scores=[0.9, 0.8])  # one of two is right
        >>> gt = dict(no_target=False, gt_instances=dict(bboxes=[[0, 0, 4, 4]]), gt_frame='original')
        >>> metric.process({}, [dict(**ids, **gt, pred_instances=pred)])
        >>> metric.evaluate(size=1)
        {'instance_f1/P@0.5': 50.0, 'instance_f1/R@0.5': 100.0, 'instance_f1/F1@0.5': 66.66...,
         'instance_f1/P@mIoU': 50.0, 'instance_f1/R@mIoU': 100.0, 'instance_f1/F1@mIoU': 66.66...,
         'instance_f1/num_samples': 1}
    """

    default_prefix = 'instance_f1'

    def __init__(
        self,
        score_thr: float = 0.5,
        comparison: Literal['>=', '>'] = '>=',
        thresholds: Sequence[float] = COCO_THRESHOLDS,
        resolution: Literal['original', 'resized', 'input'] = 'original',
        prefix: str | None = None,
    ) -> None:
        super().__init__(resolution, prefix)
        self.score_thr = score_thr
        self.comparison = check_choice('comparison', comparison, ('>=', '>'))
        self.thresholds = tuple(thresholds)
        self.protocol.update(score=f'{comparison} {score_thr:g}')

    def score(self, sample: dict) -> PrecisionRecall:
        """Compute precision and recall of the listed boxes."""
        boxes = check_boxes(read_array(sample, 'pred_instances', 'bboxes'))
        scores = read_array(sample, 'pred_instances', 'scores')
        if scores.shape != (len(boxes),):
            raise ValueError(f'{len(boxes)} boxes need scores of shape ({len(boxes)},), not {scores.shape}')
        listed = np.flatnonzero(scores_above(scores, self.score_thr, self.comparison))
        return precision_recall(box_overlaps(boxes[listed], read_gt_boxes(sample)), self.thresholds)

    def parts(self, record: PrecisionRecall) -> dict[str, tuple[float, float]]:
        """Return precision and recall at each threshold and on average; F1 is made of their means."""
        parts = {}
        for name, values in (('P', record.precision), ('R', record.recall)):
            parts |= {f'{name}@{at:g}': (value, 1) for at, value in zip(self.thresholds, values, strict=True)}
            parts[f'{name}@mIoU'] = (sum(values) / len(values), 1)
        return parts

    def summarize(self, records: list[PrecisionRecall]) -> dict[str, float]:
        """Compute precision, recall and F1."""
        return instance_f1_scores(records, self.thresholds)
