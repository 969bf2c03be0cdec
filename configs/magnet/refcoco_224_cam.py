"""The same with the alignment module in place of LAVT's fusion: MagNet's Table 3(e) and Figure 7."""

from mmengine.config import read_base

from mmvg.models.fusions import CrossModalAlignmentFusion

with read_base():
    from .refcoco_224 import (
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

model.backbone.staged_text = True
model.backbone.fusion = dict(
    type=CrossModalAlignmentFusion, image_channels=(128, 256, 512, 1024), text_channels=768, scales=(1, 2, 3, 6)
)
