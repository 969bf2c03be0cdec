"""Ref-ZOM, 50 tokens, 320 x 320; trained on train, validated and tested on test, the only other split."""

from mmengine.config import read_base

from mmvg.datasets import RefZOMDataset
from mmvg.evaluation.metrics import RefZOMMetric

with read_base():
    from .grefcoco import *

data = dict(type=RefZOMDataset, data_root='${data_root}', mode='tolerant')
train_dataloader.dataset = dict(data, split='train', pipeline='${train_pipeline}')
val_dataloader.dataset = test_dataloader.dataset = dict(data, split='test', test_mode=True, pipeline='${test_pipeline}')
evaluator = [dict(type=RefZOMMetric, resolution='${frame}')]
