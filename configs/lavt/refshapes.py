"""LAVT in small, from scratch on RefShapes in the format of RefCOCO.

Every part of the model, narrow and at 96 x 96 pixels, with a convolutional stem and a dice loss in place of
pre-training. The schedule is for four processes of one thread (batches of 4 x 16):
``tools/dist_train.sh configs/lavt/refshapes.py 4``. MagNet's takes ten minutes.
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop, TestLoop, ValLoop
from torch.optim import AdamW

from mmvg.engine.hooks import AverageBuffersHook
from mmvg.evaluation.metrics import RESMetric
from mmvg.models.backbones import ConvStem

with read_base():
    from .._base_.datasets.refshapes_refcoco import (
        test_dataloader,
        test_pipeline,
        tokenizer,
        train_dataloader,
        train_pipeline,
        val_dataloader,
    )
    from .._base_.models.lavt_swin_base import model
    from .._base_.runtime import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        randomness,
        visualizer,
    )

iterations = 850

train_pipeline[2].scale = (96, 96)
test_pipeline[1].scale = (96, 96)
train_pipeline[4].max_length = 14
test_pipeline[4].max_length = 14
train_dataloader.update(batch_size=16, num_workers=0, persistent_workers=False)
train_dataloader.dataset.pipeline = train_pipeline
val_dataloader.update(batch_size=16, num_workers=0, persistent_workers=False)
val_dataloader.dataset.pipeline = test_pipeline
test_dataloader.update(batch_size=16, num_workers=0, persistent_workers=False)
test_dataloader.dataset.pipeline = test_pipeline

model.backbone.image.update(
    embed_dims=32,
    depths=(1, 1, 1, 1),
    num_heads=(1, 2, 4, 8),
    window_size=6,
    drop_path_rate=0.0,
    weight_std=0.08,
    stem=dict(type=ConvStem, channels=(32, 48)),
    checkpoint=None,
)
model.backbone.text.update(
    embed_dims=96,
    num_layers=4,
    num_heads=4,
    ffn_channels=192,
    vocab_size=128,
    max_positions=32,
    dropout=0.0,
    weight_std=0.1,  # about 1 / sqrt(96)
    checkpoint=None,
)
model.backbone.fusion.update(image_channels=(32, 64, 128, 256), text_channels=96)
model.neck.decoder.update(in_channels=(32, 64, 128, 256), channels=64)
model.head.in_channels = 64
model.head.mask_loss.dice_weight = 1.0

train_cfg = dict(type=IterBasedTrainLoop, max_iters=iterations, val_interval=iterations)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=AdamW, lr=1e-3, weight_decay=0.01, fused=True),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type=LinearLR, start_factor=0.01, by_epoch=False, begin=0, end=60),
    dict(type=CosineAnnealingLR, eta_min=1e-5, by_epoch=False, begin=60, end=iterations, T_max=iterations - 60),
]
val_evaluator = [dict(type=RESMetric)]
test_evaluator = [dict(type=RESMetric)]
log_processor.by_epoch = False
custom_hooks = [*custom_hooks, dict(type=AverageBuffersHook, interval=iterations)]
default_hooks.checkpoint.update(by_epoch=False, interval=iterations, max_keep_ckpts=1)
