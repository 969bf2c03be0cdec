"""InstanceVG (arXiv:2509.13747) on RefCOCO, RefCOCO+ and RefCOCOg together, BEiT-3 large; RefCOCO val: P@0.5 94.42."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.instancevg_large import model
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

model.neck.query_generator.num_queries = 1
model.head.mask_loss.negative_weight = 0.0
train_dataloader.batch_size = 4
