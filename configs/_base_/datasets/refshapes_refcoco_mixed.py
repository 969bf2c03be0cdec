"""RefShapes in the formats of RefCOCO, RefCOCO+ and RefCOCOg together, validated on that of RefCOCO."""

from mmengine.config import read_base

from mmvg.datasets import MixedRefCOCODataset

with read_base():
    from .refshapes_refcoco import (
        test_dataloader,
        test_evaluator,
        test_pipeline,
        tokenizer,
        train_dataloader,
        train_pipeline,
        val_dataloader,
        val_evaluator,
    )

train_dataloader.dataset = dict(
    type=MixedRefCOCODataset,
    data_root='data/refshapes',
    leakage='drop',
    mode='tolerant',
    pipeline=train_pipeline,
)
