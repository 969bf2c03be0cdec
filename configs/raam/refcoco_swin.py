"""RaAM-RVG (ICCV 2025) on RefCOCO, REC and RES together, Swin-B; two GPUs; val: P@0.5 91.07, mIoU 79.03."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.raam_swin_base import model
    from .refcoco import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
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
