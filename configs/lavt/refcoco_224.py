"""LAVT on RefCOCO at 224 x 224 for 10 epochs: the baseline of MagNet's ablations; val oIoU 67.08, RefCOCO+ 55.98."""

from mmengine.config import read_base

with read_base():
    from .refcoco import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        model,
        optim_wrapper,
        param_scheduler,
        randomness,
        sync_bn,
        test_cfg,
        test_dataloader,
        test_evaluator,
        test_pipeline,
        train_cfg,
        train_dataloader,
        train_pipeline,
        val_cfg,
        val_dataloader,
        val_evaluator,
        visualizer,
    )

train_pipeline[2].scale = (224, 224)
test_pipeline[1].scale = (224, 224)
train_dataloader.dataset.pipeline = train_pipeline
val_dataloader.dataset.pipeline = test_pipeline
test_dataloader.dataset.pipeline = test_pipeline
train_cfg.max_epochs = 10
param_scheduler[0].end = 10
