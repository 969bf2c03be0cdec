"""CRIS (arXiv:2111.15174) on RefCOCOg (umd), CLIP-RN101, 22 tokens; val mIoU 59.87."""

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

train_pipeline[4].max_length = 22
test_pipeline[4].max_length = 22
train_dataloader.dataset.update(dataset='refcocog', pipeline=train_pipeline)
val_dataloader.dataset.update(dataset='refcocog', pipeline=test_pipeline)
test_dataloader.dataset.update(dataset='refcocog', pipeline=test_pipeline)
