"""RefCOCOg (umd); the other split: ``--cfg-options test_dataloader.dataset.split=test``."""

from mmengine.config import read_base

with read_base():
    from .refcoco import (
        test_dataloader,
        test_evaluator,
        test_pipeline,
        train_dataloader,
        train_pipeline,
        val_dataloader,
        val_evaluator,
    )

train_dataloader.dataset.dataset = 'refcocog'
val_dataloader.dataset.dataset = 'refcocog'
test_dataloader.dataset.dataset = 'refcocog'
