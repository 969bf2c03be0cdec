"""RaAM-RVG in small, REC and RES together from scratch on RefShapes in the format of RefCOCO.

Every part of the paper's model, narrow and at 96 x 96 pixels. A convolutional stem and an auxiliary mask head stand in
for pre-training. The schedule is for four processes of one thread (batches of 4 x 8):
``tools/dist_train.sh configs/raam/refshapes.py 4``, ten minutes.
"""

from mmengine.config import read_base
from mmengine.model import NormalInit
from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop, TestLoop, ValLoop

from mmvg.engine.hooks import AverageBuffersHook
from mmvg.engine.optimizers import MuonAdamW
from mmvg.models.backbones import ConvStem
from mmvg.models.heads import AuxiliaryMaskHead

with read_base():
    from .._base_.datasets.refshapes_refcoco import (
        test_dataloader,
        test_evaluator,
        test_pipeline,
        tokenizer,
        train_dataloader,
        train_pipeline,
        val_dataloader,
        val_evaluator,
    )
    from .._base_.models.raam_vit_base import model
    from .._base_.runtime import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        randomness,
        visualizer,
    )

iterations = 1800
work_dir = 'work_dirs/raam_refshapes'  # where refshapes_gres.py finds the weights

train_pipeline[2].scale = (96, 96)
test_pipeline[1].scale = (96, 96)
train_pipeline[4].max_length = 14
test_pipeline[4].max_length = 14
train_dataloader.update(batch_size=8, num_workers=0, persistent_workers=False)
train_dataloader.dataset.pipeline = train_pipeline
val_dataloader.update(batch_size=16, num_workers=0, persistent_workers=False)
val_dataloader.dataset.pipeline = test_pipeline
test_dataloader.update(batch_size=16, num_workers=0, persistent_workers=False)
test_dataloader.dataset.pipeline = test_pipeline

model.backbone.image.update(
    img_size=96,
    patch_size=8,
    embed_dims=96,
    num_layers=4,
    num_heads=4,
    drop_path_rate=0.0,
    patch_embed=dict(type=ConvStem, channels=(32, 64, 96)),
    weight_std=0.1,  # about 1 / sqrt(96)
    checkpoint=None,
)
model.backbone.text.update(
    embed_dims=96,
    num_layers=1,  # two layers of fresh weights blur the words
    num_heads=4,
    ffn_channels=192,
    vocab_size=128,
    max_positions=32,
    dropout=0.0,
    weight_std=0.1,
    checkpoint=None,
    init_cfg=dict(type=NormalInit, layer='Embedding', std=0.5),
)
model.backbone.fusion.update(
    image_channels=(96, 96, 96, 96), text_channels=96, anchor_std=0.5, value_std=0.3, weight_std=0.1
)
model.neck.regions.update(in_channels=(96, 96, 96), anchor_channels=96)
model.head.update(in_channels=288, patch_size=8, hidden_channels=96)
model.head.box_loss.loss_weight = 1.0
model.aux_heads = dict(coarse=dict(type=AuxiliaryMaskHead, in_channels=288, loss_weight=1.0))

train_cfg = dict(type=IterBasedTrainLoop, max_iters=iterations, val_interval=iterations)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=MuonAdamW, lr=1.5e-3, weight_decay=0.01),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type=LinearLR, start_factor=0.01, by_epoch=False, begin=0, end=60),
    dict(type=CosineAnnealingLR, eta_min=1e-5, by_epoch=False, begin=60, end=iterations, T_max=iterations - 60),
]
log_processor.by_epoch = False
custom_hooks = [*custom_hooks, dict(type=AverageBuffersHook, interval=iterations)]
default_hooks.checkpoint.update(by_epoch=False, interval=iterations, max_keep_ckpts=1)
