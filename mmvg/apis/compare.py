"""Tables and pictures for comparing two models, from the files that ``mmvg test --out`` wrote."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope

from mmvg.analysis.comparison import MismatchError, ScoreTable
from mmvg.analysis.comparison.pictures import MAX_BYTES, draw_panels
from mmvg.apis.rescore import answered_samples
from mmvg.datasets.loader_datasets import pipeline_of_loader
from mmvg.datasets.transforms import loads_upright
from mmvg.evaluation import GroundingMetric
from mmvg.masks import mask_area
from mmvg.pictures import decode_picture
from mmvg.scoring import SampleRow
from mmvg.structures import FACT_KEYS, GroundingSample, sample_ids
from mmvg.visualization.layers import ground_truth, prediction


def table_of_answers(cfg: Config, path: str | Path, name: str | None = None) -> ScoreTable:
    """Score a file of answers expression by expression, by the metrics of ``cfg.test_evaluator``.

    Raises:
        PredictionError: As :func:`mmvg.apis.rescore.answered_samples`.
        MismatchError: If no metric of the config is a sum over expressions.
    """
    init_default_scope(cfg.get('default_scope', 'mmvg'))
    metrics = [getattr(metric, 'metric', metric) for metric in Evaluator(cfg.test_evaluator).metrics]
    metrics = [metric for metric in metrics if isinstance(metric, GroundingMetric)]
    digest, rows = hashlib.sha256(), []
    for sample in answered_samples(cfg, path):
        row = _row(sample, metrics)
        rows.append(row)
        digest.update(json.dumps([*row.key, row.sentence, row.targets, row.area], default=str).encode())
    if not any(row.parts for row in rows):
        raise MismatchError('no metric of the config is a sum over expressions, so there is nothing to compare')
    protocol = {
        f'{metric.prefix}/{key}': str(value) for metric in metrics for key, value in sorted(metric.protocol.items())
    }
    answers = dict(file=Path(path).name, sha256=hashlib.sha256(Path(path).read_bytes()).hexdigest())
    data = dict(name=cfg.filename or '', sha256=digest.hexdigest())
    return ScoreTable(name or Path(path).stem, rows, dict(protocol=protocol, data=data, answers=answers))


def pictures_of_answers(cfg: Config, files: Sequence[str | Path], keys: Sequence[tuple]) -> dict[tuple, list[str]]:
    """Draw truth and both answers of some expressions.

    Args:
        cfg: The config by which the files were scored.
        files: Of A and of B.
        keys: Ids of the expressions, the most important first; the last are left out where the pictures together grow
            beyond ``MAX_BYTES``.

    Raises:
        FileNotFoundError: If a picture is not there.
        ImageError: If one cannot be read.
    """
    wanted = set(keys)
    answers = [{key: sample for key, sample in _keyed(cfg, file) if key in wanted} for file in files]
    upright = loads_upright(pipeline_of_loader(cfg, 'test'))
    drawn: dict[tuple, list[str]] = {}
    size = 0
    for key in keys:
        panels = _panels([found[key] for found in answers], upright)
        size += sum(map(len, panels))
        if size > MAX_BYTES:
            break
        drawn[key] = panels
    return drawn


def _keyed(cfg: Config, path: str | Path) -> Iterator[tuple[tuple, GroundingSample]]:
    for sample in answered_samples(cfg, path):
        yield tuple(sample_ids(sample).values()), sample


def _panels(samples: Sequence[GroundingSample], upright: bool) -> list[str]:
    path = samples[0].img_path
    image = decode_picture(Path(path).read_bytes(), path, upright)[..., ::-1]
    shape = image.shape[:2]
    layers = [ground_truth(samples[0], 'original', shape)]
    return draw_panels(image, layers + [prediction(sample, 'original', shape) for sample in samples])


def _row(sample: GroundingSample, metrics: Sequence[GroundingMetric]) -> SampleRow:
    """Score one sample by every metric."""
    content = sample.to_dict()
    parts: dict[str, tuple[float, float]] = {}
    for metric in metrics:
        metric.process(None, [content])
        _, record = metric.results.pop()
        if not (metric.needs_masks and content.get('boxes_only')):
            parts |= {f'{metric.prefix}/{name}': part for name, part in metric.parts(record).items()}
    height, width = (int(side) for side in sample.ori_shape)
    facts = {key: content[key] for key in FACT_KEYS if key in content and key != 'img_path'}
    return SampleRow(
        id=sample_ids(content),
        sentence=sample.text,
        image=sample.img_path,
        size=(height, width),
        targets=len(sample.gt_instances.bboxes),
        area=_area(content, (height, width)),
        facts=facts,
        parts=parts,
    )


def _area(content: Mapping[str, Any], size: tuple[int, int]) -> float:
    """Return the share of the picture that the true mask covers, or the true boxes."""
    if 'gt_sem_seg' in content:
        mask = content['gt_sem_seg']['sem_seg']
        return mask_area(mask) / float(mask.shape[-2] * mask.shape[-1])
    boxes = content['gt_instances']['bboxes']
    shape = content.get('img_shape', size) if content.get('gt_frame') == 'input' else size
    sides = boxes[:, 2:] - boxes[:, :2]
    return min(1.0, float(sides.prod(-1).sum()) / (shape[0] * shape[1]))
