"""RaAM-RVG (ICCV 2025) on RefCOCOg (UMD), Swin-B; two GPUs; val: P@0.5 86.31, mIoU 70.95."""

from mmengine.config import read_base

with read_base():
    from .refcoco_swin import (
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

train_dataloader.dataset.dataset = 'refcocog'
val_dataloader.dataset.dataset = 'refcocog'
test_dataloader.dataset.dataset = 'refcocog'
