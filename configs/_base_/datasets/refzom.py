"""Ref-ZOM, 50 tokens, 320 x 320; trained on train, validated and tested on test, the only other split."""

from mmengine.config import read_base

from mmvg.datasets import RefZOMDataset
from mmvg.evaluation.metrics import RefZOMMetric

with read_base():
    from .grefcoco import (
        test_dataloader,
        test_evaluator,
        test_pipeline,
        tokenizer,
        train_dataloader,
        train_pipeline,
        val_dataloader,
        val_evaluator,
    )

data = dict(type=RefZOMDataset, data_root='data', mode='tolerant')
train_dataloader.dataset = dict(data, split='train', pipeline=train_pipeline)
val_dataloader.dataset = dict(data, split='test', test_mode=True, pipeline=test_pipeline)
test_dataloader.dataset = dict(data, split='test', test_mode=True, pipeline=test_pipeline)
val_evaluator = [dict(type=RefZOMMetric)]
test_evaluator = [dict(type=RefZOMMetric)]
