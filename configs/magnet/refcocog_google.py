"""MagNet (arXiv:2312.12198) on RefCOCOg of Google, as on RefCOCO."""

from mmengine.config import read_base

with read_base():
    from .refcocog import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        model,
        optim_wrapper,
        param_scheduler,
        randomness,
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

train_dataloader.dataset.update(split_by='google')
val_dataloader.dataset.update(split_by='google')
test_dataloader.dataset.update(split_by='google')
