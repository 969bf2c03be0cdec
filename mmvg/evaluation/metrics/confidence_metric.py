"""Score whether a model knows when it is right: calibration, and the risk at each coverage."""

from typing import Literal, NamedTuple

import numpy as np

from mmvg.checks import check_choice
from mmvg.evaluation.functional import (
    apply_temperature,
    aurc,
    box_overlaps,
    expected_calibration_error,
    scores_above,
    top_box,
)
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric, read_array, read_gt_boxes
from mmvg.evaluation.metrics.verdict_metric import read_target_score
from mmvg.registry import METRICS


class ConfidenceRecord(NamedTuple):
    """What one expression adds.

    Args:
        target_score: That anything is meant.
        has_target: Something is meant.
        box_score: Of the best-scored box; 0 without boxes.
        box_right: It overlaps a true box enough.
    """

    target_score: float
    has_target: bool
    box_score: float
    box_right: bool


@METRICS.register_module()
class ConfidenceMetric(GroundingMetric):
    """Expected calibration error (arXiv:1706.04599) of both scores, and AURC (arXiv:1805.08206) of the answers.

    ``ECE_target``: of the score that anything is meant, against whether something is. ``ECE_box``: of the score of the
    best box, against whether it is right (IoU of ``threshold`` or more with a true box), over all expressions.
    ``AURC``: mean share of wrong answers among the most confident ones. An answer is the best box, or "nothing" where
    the target score does not pass ``score_thr``; its confidence is the score of that box, or 1 - the target score. All
    in percent, less is better.

    Reads ``pred_instances.bboxes`` (Q, 4) and ``scores`` (Q,), ``target_score`` (or else the best score),
    ``gt_instances.bboxes`` (N, 4) and ``no_target``.

    Args:
        threshold: IoU from which a box is right.
        score_thr: The threshold of the verdict.
        comparison: ``>`` in float32, or ``>=`` in double precision.
        num_bins: Intervals of the calibration error.
        target_temperature: Divides the log-odds of target scores first, as fitted on other data by ``mmvg calibrate``.
        box_temperature: The same for the scores of boxes.
        resolution: See :class:`GroundingMetric`.
        prefix: See :class:`GroundingMetric`.

    Example:
        >>> metric = ConfidenceMetric()
        >>> ids = dict(dataset='grefcoco', img_id=1, ref_id=2, sent_id=3, gt_frame='original')
        >>> box = dict(bboxes=[[0, 0, 4, 4]], scores=[0.75])
        >>> metric.process({}, [dict(**ids, no_target=False, gt_instances=box, pred_instances=box, target_score=0.5)])
        >>> metric.evaluate(size=1)
        {'confidence/ECE_target': 50.0, 'confidence/ECE_box': 25.0, 'confidence/AURC': 100.0,
         'confidence/num_samples': 1}
    """

    default_prefix = 'confidence'

    def __init__(
        self,
        threshold: float = 0.5,
        score_thr: float = 0.5,
        comparison: Literal['>', '>='] = '>',
        num_bins: int = 15,
        target_temperature: float = 1.0,
        box_temperature: float = 1.0,
        resolution: Literal['original', 'resized', 'input'] = 'original',
        prefix: str | None = None,
    ) -> None:
        super().__init__(resolution, prefix)
        self.threshold = threshold
        self.score_thr = score_thr
        self.comparison = check_choice('comparison', comparison, ('>', '>='))
        self.num_bins = num_bins
        self.temperatures = (target_temperature, box_temperature)
        self.protocol.update(right=f'IoU >= {threshold:g}', score=f'{comparison} {score_thr:g}')
        self.protocol.update(temperatures=f'{target_temperature:g}/{box_temperature:g}')

    def score(self, sample: dict) -> ConfidenceRecord:
        """Read both scores, and find out whether the best box is right."""
        gt_boxes = read_gt_boxes(sample)
        boxes, scores = (read_array(sample, 'pred_instances', name) for name in ('bboxes', 'scores'))
        best = top_box(boxes, scores)
        overlaps = box_overlaps(boxes[best][None], gt_boxes) if best is not None else np.zeros((0, 0))
        right = bool((overlaps >= self.threshold).any())
        return ConfidenceRecord(
            read_target_score(sample), len(gt_boxes) > 0, 0.0 if best is None else float(scores[best]), right
        )

    def parts(self, record: ConfidenceRecord) -> dict[str, tuple[float, float]]:
        """Return the scores and what they are compared with, as means; the results are no ratios of sums."""
        return {name: (float(value), 1) for name, value in record._asdict().items()}

    def summarize(self, records: list[ConfidenceRecord]) -> dict[str, float]:
        """Compute both calibration errors and AURC."""
        columns = zip(*records, strict=True) if records else ((), (), (), ())
        target, has_target, box, box_right = (np.array(column) for column in columns)
        has_target, box_right = has_target.astype(bool), box_right.astype(bool)
        target, box = (apply_temperature(s, t) for s, t in zip((target, box), self.temperatures, strict=True))
        answered = scores_above(target, self.score_thr, self.comparison)
        wrong = np.where(answered, ~box_right, has_target)
        return {
            'ECE_target': expected_calibration_error(target, has_target, self.num_bins),
            'ECE_box': expected_calibration_error(box, box_right, self.num_bins),
            'AURC': aurc(np.where(answered, box, 1 - target), wrong),
        }
