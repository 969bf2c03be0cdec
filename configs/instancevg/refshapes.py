"""InstanceVG in small, from scratch on RefShapes in the format of gRefCOCO: the model of `make demo`.

Every part of the paper's model, narrow and at 128 x 128 pixels. A convolutional stem stands in for pre-training, and
mask losses are taken at the size of the logits. Four CPU cores, ten minutes.
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop, TestLoop, ValLoop
from torch.optim import AdamW

from mmvg.evaluation.metrics import CoverAcc
from mmvg.models.backbones import ConvStem

with read_base():
    from .._base_.datasets.refshapes_grefcoco import (
        test_dataloader,
        test_evaluator,
        test_pipeline,
        tokenizer,
        train_dataloader,
        train_pipeline,
        val_dataloader,
        val_evaluator,
    )
    from .._base_.models.instancevg_base import model
    from .._base_.runtime import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        randomness,
        visualizer,
    )

iterations = 1200

train_pipeline[2].scale = (128, 128)
test_pipeline[1].scale = (128, 128)
train_pipeline[4].max_length = 16
test_pipeline[4].max_length = 16
train_dataloader.update(batch_size=32, num_workers=0, persistent_workers=False)
train_dataloader.dataset.pipeline = train_pipeline
val_dataloader.update(batch_size=32, num_workers=0, persistent_workers=False)
val_dataloader.dataset.pipeline = test_pipeline
test_dataloader.update(batch_size=32, num_workers=0, persistent_workers=False)
test_dataloader.dataset.pipeline = test_pipeline

model.backbone.update(
    img_size=128,
    patch_size=16,
    embed_dims=128,
    num_layers=4,
    num_heads=4,
    vocab_size=128,
    max_text_positions=32,
    drop_path_rate=0.0,
    position_std=0.1,
    weight_std=0.15,  # cut at one standard deviation, this leaves 0.08, about 1 / sqrt(128)
    patch_embed=dict(type=ConvStem, channels=(24, 48, 96, 128)),
    checkpoint=None,
)
model.neck.projection.update(image_channels=128, text_channels=128, out_channels=48)
model.neck.query_generator.update(in_channels=48, num_heads=4, ffn_channels=96, dropout=0.0)
model.neck.pyramid.update(in_channels=48, out_channels=48)
model.neck.query_decoder.update(embed_dims=48, num_layers=2, num_heads=4, ffn_channels=192, dropout=0.0)
model.neck.pixel_decoder.update(in_channels=48, out_channels=48)
model.head.in_channels = 48
model.head.mask_loss.resolution = 'output'

train_cfg = dict(type=IterBasedTrainLoop, max_iters=iterations, val_interval=iterations)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=AdamW, lr=1e-3, weight_decay=0.01, fused=True),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type=LinearLR, start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type=CosineAnnealingLR, eta_min=1e-5, by_epoch=False, begin=100, end=iterations, T_max=iterations - 100),
]
val_evaluator = [*val_evaluator, dict(type=CoverAcc)]
test_evaluator = [*test_evaluator, dict(type=CoverAcc)]
log_processor.by_epoch = False
default_hooks.checkpoint.update(by_epoch=False, interval=iterations, max_keep_ckpts=1)
