"""RefShapes in the format of R-RefCOCO; other sets: ``--cfg-options test_dataloader.dataset.dataset=rrefcoco+``."""

from mmengine.config import read_base

from mmvg.datasets import RRefDataset
from mmvg.evaluation.metrics import RRefMetric

with read_base():
    from .refshapes_grefcoco import (
        test_dataloader,
        test_evaluator,
        test_pipeline,
        tokenizer,
        train_dataloader,
        train_pipeline,
        val_dataloader,
        val_evaluator,
    )

data = dict(type=RRefDataset, dataset='rrefcoco', data_root='data/refshapes', mode='tolerant')
train_dataloader.dataset = dict(data, split='train', sentence_mode='random', pipeline=train_pipeline)
val_dataloader.dataset = dict(data, split='val', test_mode=True, pipeline=test_pipeline)
test_dataloader.dataset = dict(data, split='val', test_mode=True, pipeline=test_pipeline)
val_evaluator = [dict(type=RRefMetric)]
test_evaluator = [dict(type=RRefMetric)]
