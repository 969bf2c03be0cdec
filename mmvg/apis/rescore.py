"""Scoring and looking at a file of predictions, without the model that made it."""

import os.path as osp
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData

from mmvg.apis.answer_records import AnswerFile, PredictionError, read_answer_file
from mmvg.datasets.loader_datasets import pipeline_of_loader, settings_of_loader
from mmvg.datasets.transforms import LoadGroundingAnnotations, loads_upright
from mmvg.pictures import exif_orientation
from mmvg.registry import DATASETS, TRANSFORMS
from mmvg.structures import ID_KEYS, Answer, GroundingSample, as_stored, item_facts, sample_ids


def read_predictions(path: str | Path) -> tuple[AnswerFile, dict[tuple, dict[str, Any]]]:
    """Read a file of answers, and its records by what they answer.

    Those about a data set are found by ``(dataset, img_id, ref_id, sent_id)``, those about pictures by ``(absolute path
    of the image, expression)``.

    Raises:
        FileNotFoundError: If there is no such file.
        PredictionError: If it is something else, lacks an id, or holds two different answers to one expression.
    """
    file = read_answer_file(path)
    found: dict[tuple, dict[str, Any]] = {}
    for position, record in enumerate(file.records):
        key = _key_of(record)
        if key is None:
            raise PredictionError(
                f'{path}: predictions[{position}] lacks one of {", ".join(ID_KEYS)}, and is not an answer about an '
                'image file either'
            )
        if not _agree(found.setdefault(key, record), record, key):
            raise PredictionError(f'{path}: predictions[{position}] answers {key} a second time, and differently')
    return file, found


def answered_samples(cfg: Config, path: str | Path) -> Iterator[GroundingSample]:
    """The samples of ``cfg.test_dataloader`` with ground truth and the answers of ``path``, in the frame of the config.

    Images are not opened, but for the head of those that were asked about by name. Samples carry ``img_path``.

    Raises:
        PredictionError: If an expression has no answer, an answer belongs to none, or it is in another frame.
    """
    file, predictions = read_predictions(path)
    init_default_scope(cfg.get('default_scope', 'mmvg'))
    datasets = [DATASETS.build(settings) for settings in settings_of_loader(cfg, 'test')]
    steps = _geometry(cfg)
    upright = loads_upright(pipeline_of_loader(cfg, 'test'))
    used = set()
    for item in (dataset.get_data_info(index) for dataset in datasets for index in range(len(dataset))):
        for sentence in item['sentences']:
            ids = (item['dataset'], item['img_id'], item['ref_id'], sentence['sent_id'])
            key = ids if ids in predictions else (osp.realpath(item['img_path']), sentence['text'])
            if key not in predictions:
                raise PredictionError(
                    f'{path}: no answer to {dict(zip(ID_KEYS, ids, strict=True))} ("{sentence["text"]}"); the file '
                    f'belongs to other data, or the test did not run to its end'
                )
            used.add(key)
            where = f'{path}, {dict(zip(ID_KEYS, ids, strict=True))}'
            # who asks about a picture is answered in the pixels of the upright one, a data set in those of the file
            orientation = 1 if key == ids or upright else exif_orientation(item['img_path'])
            yield _sample(item, sentence, steps, file, predictions[key], where, orientation)
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
    init_default_scope(cfg.get('default_scope', 'mmvg'))
    evaluator = Evaluator(cfg.test_evaluator)
    count = 0
    for sample in answered_samples(cfg, path):
        evaluator.process(data_samples=[sample])
        count += 1
    return evaluator.evaluate(count)


def _key_of(record: Any) -> tuple | None:
    """Return the ids of a data set, all of them, or else absolute path of the image and expression, or else None."""
    if not isinstance(record, dict):
        return None
    if any(key in record for key in ID_KEYS):
        ids = tuple(sample_ids(record).values())
        return None if None in ids else ids
    if isinstance(record.get('image'), str) and isinstance(record.get('expression'), str):
        return osp.realpath(record['image']), record['expression']
    return None


def _agree(first: dict, second: dict, key: tuple) -> bool:
    """Whether two answers are one; a question asked twice may be rounded differently in another batch."""
    if len(key) == len(ID_KEYS):
        return first == second
    return abs(first.get('target_score', 0) - second.get('target_score', 0)) < 1e-4


def _geometry(cfg: Config) -> list[Callable[[dict], dict]]:
    """The steps of the test pipeline that resize an image and load its ground truth, in their order."""
    pipeline = pipeline_of_loader(cfg, 'test')
    steps = [TRANSFORMS.build(step) for step in pipeline if _is_geometry(step['type'])]
    loading = [step for step in steps if isinstance(step, LoadGroundingAnnotations)] or [LoadGroundingAnnotations()]
    moves_with_the_image = bool(steps) and steps[0] is loading[0]
    return steps if moves_with_the_image or loading[0].frame == 'input' else [_as_moved, loading[0]]


def _as_moved(results: dict) -> dict:
    """Stand in for a resize: the ground truth is loaded in original pixels."""
    return results | dict(homography_matrix=np.eye(3))


def _is_geometry(kind: Any) -> bool:
    name = (kind if isinstance(kind, str) else kind.__name__).split('.')[-1]
    return name in ('Resize', 'Letterbox', 'LoadGroundingAnnotations')


def _sample(
    item: dict,
    sentence: dict,
    steps: list[Callable[[dict], dict]],
    file: AnswerFile,
    record: dict[str, Any],
    where: str,
    orientation: int = 1,
) -> GroundingSample:
    size = (item['height'], item['width'])
    # only the size of the image counts: where it goes, the ground truth goes
    results = dict(item, img=np.zeros((*size, 3), np.uint8), ori_shape=size, img_shape=size, img_fields=['img'])
    for step in steps:
        results = step(results)
    facts = item_facts(item, sentence)
    moved = {key: results[key] for key in ('img_shape', 'homography_matrix', 'gt_frame')}
    sample = GroundingSample(metainfo=dict(facts, ori_shape=size, **moved))
    size = tuple(results['gt_masks'].masks.shape[1:]) if 'gt_masks' in results else tuple(results['img_shape'])
    sample.text = sentence['text']
    sample.no_target = bool(item['no_target'])
    kept = torch.from_numpy(~results['gt_ignore_flags'])
    sample.gt_instances = InstanceData(bboxes=results['gt_bboxes'].tensor[kept])
    if 'gt_masks' in results:
        masks = results['gt_masks'].masks[kept.numpy()]
        sample.gt_instances.masks = torch.from_numpy(masks)
        union = masks.max(axis=0, initial=0)
        sample.gt_sem_seg = PixelData(sem_seg=torch.from_numpy(union)[None])
    if 'grasps' in item:
        sample.gt_grasps = torch.from_numpy(item['grasps'].astype(np.float32))
    try:
        answer = as_stored(file.answer(record), orientation)
        _check_fit(answer, sample.gt_frame, size)
        answer.write_to(sample)
    except PredictionError as error:
        raise PredictionError(f'{where}: {error}') from None
    except (KeyError, TypeError, ValueError) as error:
        raise PredictionError(f'{where}: the answer is malformed: {type(error).__name__}: {error}') from error
    return sample


def _check_fit(answer: Answer, frame: str, size: tuple[int, int]) -> None:
    """Check that an answer is in ``frame``, and in the pixels of a picture of ``size`` (height, width) there."""
    if answer.frame != frame:
        raise PredictionError(
            f'the answer is in {answer.frame!r} pixels, the ground truth of the config in {frame!r}; score it with the '
            f'config of its test, or with --cfg-options frame={answer.frame}'
        )
    made = answer.candidates
    masks = [] if made is None else [mask for mask in (made.masks, made.global_mask) if mask is not None]
    if wrong := {mask.shape[-2:] for mask in masks} - {size}:
        raise PredictionError(f'a mask of {list(wrong.pop())} (height, width) on an image of {list(size)}')
