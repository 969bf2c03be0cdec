"""Scoring and looking at a file of predictions, without the model that made it."""

import json
import os.path as osp
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData

from mmvg.datasets.transforms import LoadGroundingAnnotations
from mmvg.evaluation.metrics.grounding_metric import ID_KEYS
from mmvg.masks import decode_mask
from mmvg.registry import DATASETS
from mmvg.structures import GroundingSample


class PredictionError(ValueError):
    """A file of predictions cannot be read, or does not belong to the data."""


def read_predictions(path: str | Path) -> dict[tuple, dict[str, Any]]:
    """The records of a file by what they answer.

    Those that ``tools/test.py --out`` wrote are found by ``(dataset, img_id, ref_id, sent_id)``, those that
    :func:`mmvg.apis.save_answers` wrote by ``(absolute path of the image, expression)``.

    Raises:
        FileNotFoundError: If there is no such file.
        PredictionError: If it is something else, lacks an id, or holds two different answers to one expression.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: there is no such file; tools/test.py --out or image_demo.py --json write one')
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PredictionError(f'{path} ({path.stat().st_size:,} bytes) is not whole JSON: {error}') from error
    records = content.get('predictions') if isinstance(content, dict) else None
    if not isinstance(records, list):
        raise PredictionError(f'{path}: no list "predictions"; tools/test.py --out writes such a file')
    found: dict[tuple, dict[str, Any]] = {}
    for position, record in enumerate(records):
        key = _key_of(record)
        if key is None:
            raise PredictionError(
                f'{path}: predictions[{position}] lacks one of {", ".join(ID_KEYS)}, and is not an answer about an '
                'image file either'
            )
        if not _agree(found.setdefault(key, record), record, key):
            raise PredictionError(f'{path}: predictions[{position}] answers {key} a second time, and differently')
    return found


def answered_samples(cfg: Config, path: str | Path) -> Iterator[GroundingSample]:
    """The samples of ``cfg.test_dataloader`` with ground truth and the answers of ``path``, in original pixels.

    Images are not opened. Samples carry ``img_path``.

    Raises:
        PredictionError: If an expression has no answer, an answer belongs to none, or it is in input pixels.
    """
    predictions = read_predictions(path)
    init_default_scope(cfg.get('default_scope', 'mmvg'))
    dataset = DATASETS.build({**cfg.test_dataloader.dataset, 'pipeline': []})
    load = LoadGroundingAnnotations(with_mask=_with_mask(cfg))
    used = set()
    for index in range(len(dataset)):
        item = dataset.get_data_info(index)
        for sentence in item['sentences']:
            ids = (item['dataset'], item['img_id'], item['ref_id'], sentence['sent_id'])
            key = ids if ids in predictions else (osp.realpath(item['img_path']), sentence['text'])
            if key not in predictions:
                raise PredictionError(
                    f'{path}: no answer to {dict(zip(ID_KEYS, ids, strict=True))} ("{sentence["text"]}"); the file '
                    f'belongs to other data, or the test did not run to its end'
                )
            used.add(key)
            yield _sample(item, sentence, load, predictions[key], f'{path}, {dict(zip(ID_KEYS, ids, strict=True))}')
    if len(used) < len(predictions):
        stray = next(key for key in predictions if key not in used)
        raise PredictionError(
            f'{path}: {len(predictions) - len(used)} of {len(predictions)} answers belong to no expression of the test '
            f'set, such as {stray if len(stray) == 2 else dict(zip(ID_KEYS, stray, strict=True))}'
        )


def score_predictions(cfg: Config, path: str | Path) -> dict[str, float]:
    """Score a file of predictions by ``cfg.test_evaluator``: the digits that ``tools/test.py`` printed.

    Raises:
        PredictionError: As :func:`answered_samples`.
    """
    evaluator = Evaluator(cfg.test_evaluator)
    count = 0
    for sample in answered_samples(cfg, path):
        evaluator.process(data_samples=[sample])
        count += 1
    return evaluator.evaluate(count)


def _key_of(record: Any) -> tuple | None:
    """Ids of a data set, or else absolute path of the image and expression, or else None."""
    if not isinstance(record, dict):
        return None
    if all(record.get(key) is not None for key in ID_KEYS):
        return tuple(record[key] for key in ID_KEYS)
    if isinstance(record.get('image'), str) and isinstance(record.get('expression'), str):
        return osp.realpath(record['image']), record['expression']
    return None


def _agree(first: dict, second: dict, key: tuple) -> bool:
    """Whether two answers are one; a question asked twice may be rounded differently in another batch."""
    if len(key) == len(ID_KEYS):
        return first == second
    return abs(first.get('target_score', 0) - second.get('target_score', 0)) < 1e-4


def _with_mask(cfg: Config) -> bool:
    steps = [step for step in cfg.test_dataloader.dataset.pipeline if _is_loading(step['type'])]
    return bool(steps[0].get('with_mask', True)) if steps else True


def _is_loading(kind: Any) -> bool:
    return (kind if isinstance(kind, str) else kind.__name__).split('.')[-1] == 'LoadGroundingAnnotations'


def _sample(
    item: dict, sentence: dict, load: LoadGroundingAnnotations, record: dict[str, Any], where: str
) -> GroundingSample:
    size = (item['height'], item['width'])
    # an image that has been moved already: the ground truth is loaded in original pixels
    results = load(dict(item, ori_shape=size, img_shape=size, homography_matrix=np.eye(3), img_fields=['img']))
    sample = GroundingSample(
        metainfo=dict(
            {key: item[key] for key in ('dataset', 'img_id', 'ref_id', 'img_path')},
            sent_id=sentence['sent_id'],
            ori_shape=size,
            img_shape=size,
            gt_frame='original',
            pred_frame=record.get('frame', 'original'),
            phrase_structure=item.get('phrase_structure'),
            expression_type=item.get('expression_type'),
        )
    )
    if sample.pred_frame != 'original':
        raise PredictionError(
            f'{where}: the answer is in {sample.pred_frame!r} pixels; only those in original pixels can be scored '
            "again: set frame='original' in the head's postprocess"
        )
    sample.text = sentence['text']
    sample.no_target = bool(item['no_target'])
    kept = torch.from_numpy(~results['gt_ignore_flags'])
    sample.gt_instances = InstanceData(bboxes=results['gt_bboxes'].tensor[kept])
    if 'gt_masks' in results:
        union = results['gt_masks'].masks[kept.numpy()].max(axis=0, initial=0)
        sample.gt_sem_seg = PixelData(sem_seg=torch.from_numpy(union)[None])
    if 'grasps' in item:
        sample.gt_grasps = torch.from_numpy(item['grasps'].astype(np.float32))
    try:
        _add_answer(sample, record)
    except (KeyError, TypeError, ValueError) as error:
        raise PredictionError(f'{where}: the answer is malformed: {type(error).__name__}: {error}') from error
    return sample


def _add_answer(sample: GroundingSample, record: dict[str, Any]) -> None:
    """Set predictions as :class:`mmvg.engine.hooks.PredictionDumpHook` found them."""
    if 'no_target' in record:
        sample.pred_no_target = bool(record['no_target'])
    if 'target_score' in record:
        sample.target_score = float(record['target_score'])
    if 'instances' in record:
        rows = record['instances']
        fields = {}
        if all('bbox' in row for row in rows):
            boxes = np.array([row['bbox'] for row in rows], dtype=np.float64).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            fields['bboxes'] = torch.from_numpy(boxes.astype(np.float32))
        for key, name in (('score', 'scores'), ('point', 'points')):
            if all(key in row for row in rows):
                values = np.array([row[key] for row in rows], dtype=np.float32)
                fields[name] = torch.from_numpy(values.reshape(-1, 2) if key == 'point' else values)
        if rows and all('segmentation' in row for row in rows):
            fields['masks'] = torch.stack([_decode(row['segmentation'], sample) for row in rows])
        sample.pred_instances = InstanceData(**fields)
    if 'grasps' in record:
        grasps = np.array([row['grasp'] for row in record['grasps']], dtype=np.float32).reshape(-1, 5)
        scores = np.array([row['score'] for row in record['grasps']], dtype=np.float32)
        sample.pred_grasps = InstanceData(grasps=torch.from_numpy(grasps), scores=torch.from_numpy(scores))
    if 'segmentation' in record:
        sample.pred_sem_seg = PixelData(sem_seg=_decode(record['segmentation'], sample)[None])


def _decode(rle: dict, sample: GroundingSample) -> torch.Tensor:
    """A mask (H, W) bool.

    Raises:
        ValueError: If it is not of the size of the image.
    """
    if tuple(rle['size']) != tuple(sample.ori_shape):
        raise ValueError(f'a mask of {rle["size"]} (height, width) on an image of {list(sample.ori_shape)}')
    return torch.from_numpy(decode_mask(rle))
