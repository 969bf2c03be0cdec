"""RefShapes in the format of Ref-ZOM, 50 tokens, 320 x 320."""

from mmengine.config import read_base

from mmvg.datasets import RefZOMDataset
from mmvg.evaluation.metrics import RefZOMMetric

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

data = dict(type=RefZOMDataset, data_root='data/refshapes', img_prefix='ref-zom/trainval2014', mode='tolerant')
train_dataloader.dataset = dict(data, split='train', pipeline=train_pipeline)
val_dataloader.dataset = dict(data, split='test', test_mode=True, pipeline=test_pipeline)
test_dataloader.dataset = dict(data, split='test', test_mode=True, pipeline=test_pipeline)
val_evaluator = [dict(type=RefZOMMetric)]
test_evaluator = [dict(type=RefZOMMetric)]
