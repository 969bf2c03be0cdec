"""Samples as they reach the metrics in a run: answered GroundingSamples, passed through MMEngine's Evaluator."""

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData, PixelData

from mmvg.registry import METRICS
from mmvg.structures import GroundingSample


@pytest.fixture
def make_sample():
    def make(
        sent_id,
        gt_boxes=(),
        boxes=(),
        scores=(),
        points=(),
        gt_mask=((0, 0), (0, 0)),
        mask=((0, 0), (0, 0)),
        pred_no_target=False,
        target_score=0.0,
        no_target=False,
        **metainfo,
    ):
        ids = dict(dataset='grefcoco', img_id=1, ref_id=2, sent_id=sent_id)
        sample = GroundingSample(metainfo={**ids, 'gt_frame': 'original', 'pred_frame': 'original', **metainfo})
        sample.gt_instances = InstanceData(bboxes=torch.tensor(gt_boxes, dtype=torch.float32).reshape(-1, 4))
        sample.gt_sem_seg = PixelData(sem_seg=torch.tensor(gt_mask, dtype=torch.uint8)[None])
        sample.no_target = no_target
        sample.pred_instances = InstanceData(
            bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            scores=torch.tensor(scores, dtype=torch.float32),
        )
        if points:
            sample.pred_instances = InstanceData(points=torch.tensor(points, dtype=torch.float32))
        sample.pred_sem_seg = PixelData(sem_seg=torch.tensor(mask, dtype=torch.bool)[None])
        sample.pred_no_target = pred_no_target
        sample.target_score = target_score
        return sample

    return make


@pytest.fixture
def run():
    def run(cfg, samples, batch_size=2, size=None):
        evaluator = Evaluator(METRICS.build(cfg))
        for start in range(0, len(samples), batch_size):
            evaluator.process(data_samples=samples[start : start + batch_size])
        return evaluator.evaluate(len(samples) if size is None else size)

    return run
