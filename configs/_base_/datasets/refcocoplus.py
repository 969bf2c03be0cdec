"""RefCOCO+ (unc); other splits: ``--cfg-options test_dataloader.dataset.split=testA``."""

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

train_dataloader.dataset.dataset = 'refcoco+'
val_dataloader.dataset.dataset = 'refcoco+'
test_dataloader.dataset.dataset = 'refcoco+'
