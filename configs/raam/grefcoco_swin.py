"""RaAM-RVG (ICCV 2025) on gRefCOCO (GRES), Swin-B; two GPUs. The paper has no numbers for it."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.raam_swin_base import model
    from .grefcoco import (
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

model.head.update(box_loss=None, regions_decide=True)
