"""Answers as JSON can hold them: to read at once, and to save and score later."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmvg.structures import GroundingSample


def answer_record(sample: GroundingSample, score_thr: float) -> dict[str, Any]:
    """What a sample answers, as JSON can hold it, in pixels of the upright picture.

    Returns:
        ``image`` (path or running number), ``size`` [height, width], ``expression``, ``no_target`` (bool: nothing
        matches) with ``target_score``; for the instances that score ``score_thr`` or more and more than 0 (suppressed),
        best first: ``boxes`` [[x1, y1, x2, y2]], ``scores``, ``masks`` (COCO's compressed RLE) and ``points`` [[x, y]];
        ``mask``, the union; ``grasps`` [[x, y, w, h, theta]] with ``grasp_scores``, all of them, best first. Only what
        the model gives.
    """
    from mmvg.masks import encode_mask

    record = _asked(sample)
    if (no_target := sample.get('pred_no_target')) is not None:
        record['no_target'] = bool(no_target)
    if (score := sample.get('target_score')) is not None:
        record['target_score'] = float(score)
    if (instances := sample.get('pred_instances')) is not None:
        scores = instances.scores.cpu()
        order = [
            int(i) for i in scores.argsort(descending=True, stable=True) if scores[i] >= score_thr and scores[i] > 0
        ]
        record['boxes'] = instances.bboxes.cpu()[order].double().tolist()
        record['scores'] = scores[order].double().tolist()
        if 'masks' in instances:
            record['masks'] = [encode_mask(instances.masks[i]) for i in order]
        if 'points' in instances:
            record['points'] = instances.points.cpu()[order].double().tolist()
    if 'pred_sem_seg' in sample:
        record['mask'] = encode_mask(sample.pred_sem_seg.sem_seg)
    if (grasps := sample.get('pred_grasps')) is not None:
        order = grasps.scores.cpu().argsort(descending=True, stable=True)
        record['grasps'] = grasps.grasps.cpu()[order].double().tolist()
        record['grasp_scores'] = grasps.scores.cpu()[order].double().tolist()
    return record


def describe_answer(record: dict[str, Any]) -> str:
    """One line about what :func:`answer_record` made."""
    if record.get('no_target'):
        score = record.get('target_score')
        return 'nothing matches' + ('' if score is None else f' (target score {score:.2f})')
    found = [
        f'[{", ".join(f"{side:.0f}" for side in box)}] {score:.2f}'
        for box, score in zip(record.get('boxes', []), record.get('scores', []), strict=True)
    ]
    parts = [f'{len(found)} found: {"; ".join(found)}'] if found else []
    if grasps := record.get('grasps'):
        x, y, opening, _, theta = grasps[0]
        parts.append(f'grasp at ({x:.0f}, {y:.0f}), opening {opening:.0f}, turned {theta:.2f} rad')
    return ', '.join(parts) or ('a mask, no box' if 'mask' in record else 'no instance above the threshold')


def saved_record(sample: GroundingSample) -> dict[str, Any]:
    """A whole answer as ``tools/test.py --out`` writes it, with ``image`` and ``size`` in place of a data set's ids.

    See :class:`mmvg.engine.hooks.PredictionDumpHook`: all queries with their scores, boxes ``[x, y, width, height]``.
    """
    from mmvg.engine.hooks.prediction_dump_hook import prediction_record
    from mmvg.evaluation.metrics.grounding_metric import ID_KEYS

    record = {key: value for key, value in prediction_record(sample).items() if key not in ID_KEYS}
    return {**_asked(sample), **record, 'expression': sample.expression}


def save_answers(samples: Sequence[GroundingSample], path: str | Path, score_thr: float) -> None:
    """Write the answers of :class:`mmvg.apis.GroundingInferencer` as JSON that ``eval_metric.py`` scores.

    Args:
        samples: What the inferencer returns with ``return_datasamples=True``.
        path: The file; its folder is made.
        score_thr: Noted in the file: instances that score this much count as found.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = dict(score_thr=score_thr, predictions=[saved_record(sample) for sample in samples])
    path.write_text(json.dumps(content), encoding='utf-8')


def _asked(sample: GroundingSample) -> dict[str, Any]:
    return dict(image=sample.img_path, size=[int(side) for side in sample.ori_shape], expression=sample.expression)
