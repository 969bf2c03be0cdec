"""LAVT with RaAM in place of its fusion, on gRefCOCO (RaAM-RVG, Table 4): val cIoU 61.45, gIoU 62.87."""

from mmengine.config import read_base

from mmvg.models.fusions import RegionAwareFusion

with read_base():
    from .grefcoco_lavt import (
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

# LAVT's decoder reads no anchors
model.backbone.fusion = dict(
    type=RegionAwareFusion, image_channels=(128, 256, 512, 1024), text_channels=768, final_anchors=False
)
