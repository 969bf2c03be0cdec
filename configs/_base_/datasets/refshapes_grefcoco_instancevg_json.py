"""RefShapes in the format of InstanceVG's own JSON files."""

from mmengine.config import read_base

from mmvg.datasets import InstanceVGJSONDataset

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

data = dict(
    type=InstanceVGJSONDataset,
    dataset='grefcoco',
    ann_file='instancevg/grefs/instances.json',
    data_root='data/refshapes',
    crowd='drop',
    mode='tolerant',
)
train_dataloader.dataset = dict(data, split='train', pipeline=train_pipeline)
val_dataloader.dataset = dict(data, split='val', test_mode=True, pipeline=test_pipeline)
test_dataloader.dataset = dict(data, split='val', test_mode=True, pipeline=test_pipeline)
