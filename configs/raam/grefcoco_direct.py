"""RaAM-RVG (ICCV 2025) with the fusion of LAVT, "direct interaction" (Table 5(a)); val: cIoU 64.77, gIoU 67.62."""

from mmengine.config import read_base

from mmvg.models.fusions import PixelWordFusion

with read_base():
    from .grefcoco import (
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

model.backbone.fusion = dict(type=PixelWordFusion, image_channels=(768, 768, 768, 768), text_channels=768)
model.neck.regions.anchor_channels = None
