"""The full model of InstanceVG's ablations, at 224 x 224; the paper: gRefCOCO val gIoU 72.41, F1 71.43.

Scored as the authors score, in input pixels. The rows of the tables are listed in README.md.
"""

from mmengine.config import read_base

with read_base():
    from .grefcoco_resized import (
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

model.backbone.img_size = 224
train_pipeline[2].scale = (224, 224)
test_pipeline[2].scale = (224, 224)
train_dataloader.dataset.pipeline = train_pipeline
val_dataloader.dataset.pipeline = test_pipeline
test_dataloader.dataset.pipeline = test_pipeline
