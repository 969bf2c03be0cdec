"""LAVT with Mask Grounding and the alignment loss at 224 x 224: rows of MagNet's Tables 3(a) to (d) and (f)."""

from mmengine.config import read_base

from mmvg.models.heads import CrossModalAlignmentHead, MaskGroundingHead

with read_base():
    from ..lavt.refcoco_224 import (
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

model.aux_heads = dict(
    grounding=dict(
        type=MaskGroundingHead, image_channels=1024, text_channels=768, embed_channels=768, vocab_size=30522
    ),
    alignment=dict(
        type=CrossModalAlignmentHead, pixel_channels=512, text_channels=768, pixel_weight=0.5, text_weight=0.5
    ),
)
