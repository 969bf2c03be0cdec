"""All predictions of a test run in one JSON file."""

from collections.abc import Sequence
from typing import Any

from mmengine.dist import collect_results, is_main_process
from mmengine.fileio import dump
from mmengine.hooks import Hook

from mmvg.masks import encode_mask
from mmvg.registry import HOOKS
from mmvg.structures import GroundingSample, xyxy_to_xywh


@HOOKS.register_module()
class PredictionDumpHook(Hook):
    """Writes what the model answered, one record per expression, whatever the metrics make of it.

    The file is an object with ``config``, ``metrics`` (percent) and ``predictions``. A prediction has

    - ``dataset``, ``img_id``, ``ref_id``, ``sent_id``, ``expression`` and ``frame`` (``'original'`` pixels or
      ``'input'`` pixels);
    - ``no_target`` (bool) and ``target_score`` in [0, 1];
    - ``instances``: for every query, in their order, ``bbox`` (COCO's ``[x, y, width, height]`` in pixels), ``score``
      in [0, 1], ``segmentation`` (COCO's compressed RLE) and ``point`` ``[x, y]``, as far as the model gives them;
    - ``segmentation``: RLE of the union mask, if the model gives one;
    - ``grasps``: in their order, ``grasp`` ``[x, y, w, h, theta]`` in pixels and radians with ``score``, if it does.

    Args:
        out_file: Where to write, ``*.json``.
    """

    priority = 'LOW'

    def __init__(self, out_file: str) -> None:
        if not out_file.endswith('.json'):
            raise ValueError(f'{out_file}: predictions are written as JSON; the name must end in .json')
        self.out_file = out_file
        self.records: list[dict] = []

    def before_test_epoch(self, runner) -> None:
        self.records = []

    def after_test_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None, outputs: Sequence[GroundingSample] | None = None
    ) -> None:
        self.records += [prediction_record(sample) for sample in outputs]

    def after_test_epoch(self, runner, metrics: dict[str, float] | None = None) -> None:
        size = len(runner.test_dataloader.dataset)
        records = collect_results(self.records, size, device='cpu')
        if is_main_process():
            content = dict(config=runner.cfg.filename, metrics=metrics or {}, predictions=records)
            dump(content, self.out_file, indent=None)
            runner.logger.info(f'{len(records)} predictions are in {self.out_file}')


def prediction_record(sample: GroundingSample) -> dict[str, Any]:
    """Turn one answered sample into what JSON can hold; see :class:`PredictionDumpHook`."""
    record = {key: sample.get(key) for key in ('dataset', 'img_id', 'ref_id', 'sent_id')}
    record.update(expression=sample.get('text'), frame=sample.get('pred_frame', 'original'))
    if (no_target := sample.get('pred_no_target')) is not None:
        record['no_target'] = bool(no_target)
    if (score := sample.get('target_score')) is not None:
        record['target_score'] = float(score)
    if 'pred_instances' in sample:
        record['instances'] = _instances(sample.pred_instances)
    if 'pred_sem_seg' in sample:
        record['segmentation'] = encode_mask(sample.pred_sem_seg.sem_seg)
    if 'pred_grasps' in sample:
        grasps, scores = (sample.pred_grasps[key].cpu().double().tolist() for key in ('grasps', 'scores'))
        record['grasps'] = [dict(grasp=grasp, score=score) for grasp, score in zip(grasps, scores, strict=True)]
    return record


def _instances(instances) -> list[dict]:
    """One dict per instance, with the fields that there are."""
    columns = {}
    if 'bboxes' in instances:
        columns['bbox'] = xyxy_to_xywh(instances.bboxes.cpu().double()).tolist()
    if 'scores' in instances:
        columns['score'] = instances.scores.cpu().double().tolist()
    if 'masks' in instances:
        columns['segmentation'] = [encode_mask(mask) for mask in instances.masks]
    if 'points' in instances:
        columns['point'] = instances.points.cpu().double().tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
