"""Fit temperatures on answers to validation data, and apply them to answers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config

from mmvg.apis.rescore import answered_samples
from mmvg.evaluation.functional import apply_temperature, fit_temperature
from mmvg.evaluation.metrics.confidence_metric import ConfidenceMetric, ConfidenceRecord
from mmvg.structures import DEFAULT_SCORE_THR, Answer, GroundingSample
from mmvg.weights.calibration import Calibration


def fit_calibration(cfg: Config, predictions: str | Path, threshold: float = 0.5) -> Calibration:
    """Fit the temperatures of target scores and of box scores on a file of answers.

    Args:
        cfg: The config whose ``test_dataloader`` the file answers: validation data.
        predictions: What ``mmvg test --out`` wrote.
        threshold: IoU from which the best box is right.

    Returns:
        A calibration without the temperature of scores that the model does not give, or whose truth is all alike.

    Raises:
        PredictionError: If the file does not answer the data.
        ValueError: If nothing can be fitted.
    """
    metric, records, own_score = ConfidenceMetric(threshold), [], True
    for sample in answered_samples(cfg, predictions):
        content = sample.to_dict()
        own_score &= content.get('target_score') is not None
        records.append(metric.score(content))
    target = _fitted([(r.target_score, r.has_target) for r in records]) if own_score else None
    boxes = _fitted([(r.box_score, r.box_right) for r in records if r.box_score > 0])
    if target is None and boxes is None:
        raise ValueError(
            f'{predictions}: nothing can be fitted: all {len(records)} answers are alike, right or wrong; take data '
            'with and without targets, or a model that is not always right'
        )
    before, after = (_errors(records, threshold, *pair) for pair in ((None, None), (target, boxes)))
    data = cfg.test_dataloader.dataset
    described = ' '.join(str(data[key]) for key in ('dataset', 'type', 'split') if isinstance(data.get(key), str))
    fitted = dict(data=described, expressions=len(records))
    fitted |= {name: [round(before[name], 4), round(after[name], 4)] for name in ('ECE_target', 'ECE_box')}
    return Calibration(target, boxes, fitted)


def calibrate_sample(sample: GroundingSample, calibration: Calibration) -> None:
    """Divide the log-odds of the scores on a sample by the temperatures, and decide its verdict and its mask anew.

    Scores of grasps, which no temperature was fitted for, stay.
    """
    if calibration.boxes is not None and 'scores' in sample.get('pred_instances', ()):
        scores = sample.pred_instances.scores
        tempered = apply_temperature(scores.detach().cpu().numpy(), calibration.boxes)
        sample.pred_instances.scores = scores.new_tensor(tempered)
    if calibration.target is not None and 'target_score' in sample:
        sample.target_score = float(apply_temperature(np.float32(sample.target_score), calibration.target))
    if 'pred_no_target' in sample:
        Answer.from_sample(sample, sample.get('score_thr', DEFAULT_SCORE_THR)).write_verdict_to(sample)


def _fitted(pairs: Sequence[tuple[float, bool]]) -> float | None:
    """Return a temperature for scores and what happened; None where everything or nothing did."""
    scores, right = (np.array(column) for column in zip(*pairs, strict=True)) if pairs else (np.zeros(0),) * 2
    return fit_temperature(scores, right) if 0 < right.sum() < len(right) else None


def _errors(
    records: list[ConfidenceRecord], threshold: float, target: float | None, boxes: float | None
) -> dict[str, float]:
    return ConfidenceMetric(threshold, target_temperature=target or 1, box_temperature=boxes or 1).summarize(records)
