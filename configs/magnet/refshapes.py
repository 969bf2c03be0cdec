"""MagNet in small, from scratch on RefShapes in the format of RefCOCO; see configs/lavt/refshapes.py."""

from mmengine.config import read_base

from mmvg.models.fusions import CrossModalAlignmentFusion
from mmvg.models.heads import CrossModalAlignmentHead, MaskedQueryHead, MaskGroundingHead
from mmvg.models.losses import BinaryMaskLoss
from mmvg.models.necks import DeformablePixelDecoder
from mmvg.models.postprocess import MaskPostprocess

with read_base():
    from ..lavt.refshapes import (
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

model.backbone.staged_text = True
model.backbone.fusion = dict(
    type=CrossModalAlignmentFusion,
    image_channels=(32, 64, 128, 256),
    text_channels=96,
    scales=(1, 2, 3, 6),
    head_channels=8,
)
model.neck.decoder = dict(
    type=DeformablePixelDecoder,
    in_channels=(32, 64, 128, 256),
    channels=64,
    num_levels=3,  # stride 4 joins afterwards: attention over it takes most of the time on a CPU
    num_layers=1,
    num_heads=4,
    ffn_channels=128,
    norm_groups=8,
)
model.head = dict(
    type=MaskedQueryHead,
    in_channels=64,
    num_layers=3,
    num_heads=4,
    ffn_channels=128,
    mask_loss=dict(type=BinaryMaskLoss, bce_weight=2.0, dice_weight=2.0),
    postprocess=dict(type=MaskPostprocess, mask_thr=0.5),
)
model.aux_heads = dict(
    grounding=dict(
        type=MaskGroundingHead,
        image_channels=256,
        text_channels=96,
        embed_channels=96,
        vocab_size=128,
        channels=64,
        num_layers=2,
        num_heads=4,
        ffn_channels=128,
        dropout=0.0,
        mask_id=None,  # the vocabulary of words has no [MASK]
    ),
    alignment=dict(
        type=CrossModalAlignmentHead, pixel_channels=64, text_channels=96, pixel_weight=0.5, text_weight=0.5
    ),
)
