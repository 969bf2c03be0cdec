"""Score sets of boxes as HumanRef does."""

from typing import Literal

import numpy as np

from mmvg.checks import check_choice
from mmvg.evaluation.functional import (
    HumanRefScore,
    box_overlaps,
    check_boxes,
    human_ref_score,
    human_ref_scores,
    scores_above,
)
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, read_array, read_field, read_gt_boxes
from mmvg.registry import METRICS


@METRICS.register_module()
class HumanRefMetric(GroundingMetric):
    """Precision, recall, density F1 and rejection accuracy of HumanRef (arXiv:2503.08507); see :func:`human_ref_score`.

    Reads ``pred_instances.bboxes`` (Q, 4) and ``scores`` (Q,), ``gt_instances.bboxes`` (N, 4), ``no_target`` and
    ``num_persons``, which :class:`mmvg.datasets.HumanRefDataset` gives.

    Args:
        score_thr: Boxes are answered at this score; a language model gives none, and all of its boxes have score 1.
        comparison: ``>=`` in double precision, or ``>`` in float32.
        resolution: See :class:`GroundingMetric`.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = HumanRefMetric()
        >>> ids = dict(dataset='humanref', img_id=1, ref_id=2, sent_id=2, num_persons=3)
        >>> pred = dict(bboxes=[[0, 0, 4, 4]], scores=[0.9])
        >>> gt = dict(no_target=False, gt_instances=dict(bboxes=[[0, 0, 4, 4]]), gt_frame='original')
        >>> metric.process({}, [dict(**ids, **gt, pred_instances=pred)])
        >>> metric.evaluate(size=1)
        {'humanref/P': 100.0, 'humanref/R': 100.0, 'humanref/DF1': 100.0, 'humanref/rejection': nan,
         'humanref/num_samples': 1}
    """

    default_prefix = 'humanref'

    def __init__(
        self,
        score_thr: float = 0.5,
        comparison: Literal['>=', '>'] = '>=',
        resolution: Literal['original', 'resized', 'input'] = 'original',
        prefix: str | None = None,
    ) -> None:
        super().__init__(resolution, prefix)
        self.score_thr = score_thr
        self.comparison = check_choice('comparison', comparison, ('>=', '>'))
        self.protocol.update(score=f'{comparison} {score_thr:g}')

    def score(self, sample: dict) -> HumanRefScore:
        """Score the answered boxes."""
        boxes = check_boxes(read_array(sample, 'pred_instances', 'bboxes'))
        scores = read_array(sample, 'pred_instances', 'scores')
        if scores.shape != (len(boxes),):
            raise ValueError(f'{len(boxes)} boxes need scores of shape ({len(boxes)},), not {scores.shape}')
        answered = boxes[np.flatnonzero(scores_above(scores, self.score_thr, self.comparison))]
        persons = int(read_field(sample, 'num_persons'))
        return human_ref_score(box_overlaps(answered, read_gt_boxes(sample)), persons)

    def parts(self, record: HumanRefScore) -> dict[str, tuple[float, float]]:
        """Return precision, recall and density F1, or whether nobody was answered where nobody is meant."""
        if record.rejection:
            return dict(rejection=(float(record.rejected), 1))
        return dict(P=(record.precision, 1), R=(record.recall, 1), DF1=(record.density_f1, 1))

    def summarize(self, records: list[HumanRefScore]) -> dict[str, float]:
        """Compute the means."""
        return human_ref_scores(records)
