"""refshapes_gres.py with the fusion of LAVT, "direct interaction", in place of anchors (Table 5(a))."""

from mmengine.config import read_base

from mmvg.models.fusions import PixelWordFusion

with read_base():
    from .refshapes_gres import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        iterations,
        log_processor,
        model,
        optim_wrapper,
        param_scheduler,
        randomness,
        test_cfg,
        test_dataloader,
        test_evaluator,
        test_pipeline,
        tokenizer,
        train_cfg,
        train_dataloader,
        train_pipeline,
        val_cfg,
        val_dataloader,
        val_evaluator,
        visualizer,
    )

model.backbone.fusion = dict(type=PixelWordFusion, image_channels=(96, 96, 96, 96), text_channels=96)
model.neck.regions.anchor_channels = None
