"""Answers as JSON can hold them: to read at once, to save, and to read again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmvg.datasets.readers import parse_json
from mmvg.foreign_files import read_whole
from mmvg.masks import decode_mask, mask_area
from mmvg.structures import ANSWER_VERSION, DEFAULT_SCORE_THR, Answer, Candidates, sample_ids
from mmvg.whole_files import write_whole

if TYPE_CHECKING:
    from mmvg.structures import GroundingSample


class PredictionError(ValueError):
    """A file of answers cannot be read, or does not belong to the data."""


def answer_record(sample: GroundingSample | Answer, score_thr: float | None = None) -> dict[str, Any]:
    """Write what a sample answers as JSON can hold it.

    Args:
        sample: With predictions; or an answer, at its threshold.
        score_thr: What scores more than this is there; by default the threshold of the model.

    Returns:
        See :meth:`mmvg.structures.Answer.to_record`.
    """
    return answer_of(sample, score_thr).to_record()


def describe_answer(record: dict[str, Any]) -> str:
    """Say in one line what :func:`answer_record` wrote.

    Example:
        >>> describe_answer(dict(no_target=False, boxes=[[1.0, 2.0, 31.0, 4.0]], scores=[0.9]))
        '1 found: [1, 2, 31, 4] 0.90'
        >>> describe_answer(dict(no_target=True, unknown_words=['zebra'], unread_text='on the left'))
        "nothing matches (unknown: 'zebra'; not read: 'on the left')"
    """
    remark = describe_left_out(record)
    return _describe_found(record) + (f' ({remark})' if remark else '')


def describe_left_out(record: dict[str, Any]) -> str:
    """Say which part of an expression the model did not get to read; nothing if it read all.

    Example:
        >>> describe_left_out(dict(unknown_words=['zebra', 'gnu']))
        "unknown: 'zebra', 'gnu'"
    """
    parts = []
    if words := record.get('unknown_words'):
        parts.append(f'unknown: {", ".join(map(repr, words))}')
    if text := record.get('unread_text'):
        parts.append(f'not read: {text!r}')
    return '; '.join(parts)


def _describe_found(record: dict[str, Any]) -> str:
    if record.get('no_target'):
        score = record.get('target_score')
        return 'nothing matches' + ('' if score is None else f' (target score {score:.2f})')
    boxes = record.get('boxes', [])
    scores = [f' {score:.2f}' for score in record['scores']] if 'scores' in record else [''] * len(boxes)
    found = [f'[{", ".join(f"{side:.0f}" for side in box)}]{score}' for box, score in zip(boxes, scores, strict=True)]
    parts = [f'{len(found)} found: {"; ".join(found)}'] if found else []
    if grasps := record.get('grasps'):
        x, y, opening, _, theta = grasps[0]
        parts.append(f'grasp at ({x:.0f}, {y:.0f}), opening {opening:.0f}, turned {theta:.2f} rad')
    if parts or 'mask' not in record:
        return ', '.join(parts) or 'no instance above the threshold'
    return 'a mask, no box' if mask_area(record['mask']) else 'an empty mask, no box'


def save_answers(samples: Sequence[GroundingSample | Answer], path: str | Path, score_thr: float | None = None) -> None:
    """Write whole answers as JSON that ``mmvg score`` scores.

    Args:
        samples: What :class:`mmvg.apis.GroundingInferencer` returns with ``return_datasamples=True``, or answers.
        path: The file; its folder is made, and an older file replaced when this one is whole.
        score_thr: What scores more than this is there; by default the threshold of the model.
    """
    records = [answer_of(sample, score_thr).to_record(whole=True) for sample in samples]
    content = dict(version=ANSWER_VERSION, predictions=records)
    write_whole(path, json.dumps(content))


def answer_of(sample: GroundingSample | Answer, score_thr: float | None = None) -> Answer:
    """The answer that a model gives, whether it is exported or not, decided at ``score_thr`` if that is given."""
    if not isinstance(sample, Answer):
        return Answer.from_sample(sample, score_thr)
    return sample if score_thr in (None, sample.score_thr) else sample.at(score_thr)


@dataclass(frozen=True)
class AnswerFile:
    """The records of a file, and how to read them.

    Args:
        records: As they stand in the file.
        score_thr: Threshold of records that do not carry one.
    """

    records: list[dict[str, Any]]
    score_thr: float = DEFAULT_SCORE_THR

    def answer(self, record: Mapping[str, Any]) -> Answer:
        """Read one record, of the present version or of the time before versions.

        Raises:
            KeyError, TypeError, ValueError: If it is malformed, or of another version.
        """
        if 'version' in record:
            return Answer.from_record(record)
        return _answer_before_versions(record, self.score_thr)


def read_answer_file(path: str | Path) -> AnswerFile:
    """Read a file of ``tools/test.py --out`` or ``image_demo.py --json``; records are read one by one later.

    Raises:
        FileNotFoundError: If there is no such file.
        PredictionError: If it is something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: there is no such file; tools/test.py --out or image_demo.py --json write one')
    try:
        content = parse_json(read_whole(path))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PredictionError(f'{path} ({path.stat().st_size:,} bytes) is not whole JSON: {error}') from error
    except ValueError as error:
        raise PredictionError(f'{path} ({path.stat().st_size:,} bytes) {error}') from error
    records = content.get('predictions') if isinstance(content, dict) else None
    if not isinstance(records, list):
        raise PredictionError(f'{path}: no list "predictions"; tools/test.py --out writes such a file')
    return AnswerFile(records, content.get('score_thr', DEFAULT_SCORE_THR))


def _answer_before_versions(record: Mapping[str, Any], score_thr: float) -> Answer:
    """Read a record without ``version``, which lists all queries and leaves the threshold to its reader.

    There were two shapes. Test runs wrote the ids of the data set, and the file did not tell the threshold; the
    inferencer wrote ``image`` and ``size`` instead, and the file has ``score_thr``. Both have ``frame``, the verdict
    ``no_target`` with ``target_score``, ``instances`` (``bbox`` [x, y, width, height], ``score``, ``segmentation``,
    ``point``), ``segmentation`` (the mask of the expression, made already) and ``grasps``.
    """
    made = Candidates(target_score=record.get('target_score'), no_target=bool(record.get('no_target', False)))
    rows = record.get('instances')
    if rows is not None:
        columns = {key: [row[key] for row in rows] for key in (rows[0] if rows else ('bbox', 'score'))}
        if 'bbox' in columns:
            boxes = np.array(columns['bbox'], dtype=np.float64).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            made.boxes = boxes.astype(np.float32)
        if 'score' in columns:
            made.scores = np.array(columns['score'], dtype=np.float32)
        if 'point' in columns:
            made.points = np.array(columns['point'], dtype=np.float32).reshape(-1, 2)
        if 'segmentation' in columns:
            made.masks = np.stack([decode_mask(rle) for rle in columns['segmentation']])
    if 'segmentation' in record:
        made.global_mask = decode_mask(record['segmentation'])
    if 'grasps' in record:
        made.grasps = np.array([row['grasp'] for row in record['grasps']], dtype=np.float32).reshape(-1, 5)
        made.grasp_scores = np.array([row['score'] for row in record['grasps']], dtype=np.float32)
    size = record.get('size', record.get('segmentation', {}).get('size'))
    return made.at(
        score_thr,
        record.get('no_target'),
        frame=record.get('frame', 'original'),
        size=None if size is None else tuple(size),
        expression=record.get('expression'),
        image=record.get('image'),
        ids={key: value for key, value in sample_ids(record).items() if value is not None},
    )
