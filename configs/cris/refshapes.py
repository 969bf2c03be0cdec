"""CRIS in small, from scratch on RefShapes in the format of PhraseCut.

Every part of the model, narrow, at the 160 x 160 pixels of the pictures: masks come from a grid of 10 x 10 cells,
from which SegVLM learns more in the same time than from one of 8 x 8. The schedule is for four processes of one thread
(batches of 4 x 4): ``tools/dist_train.sh configs/cris/refshapes.py 4``, ten minutes.
"""

from mmengine.config import read_base
from mmengine.model import NormalInit
from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop, TestLoop, ValLoop

from mmvg.engine.hooks import AverageBuffersHook
from mmvg.engine.optimizers import MuonAdamW

with read_base():
    from .._base_.datasets.refshapes_phrasecut import (
        test_dataloader,
        test_evaluator,
        test_pipeline,
        tokenizer,
        train_dataloader,
        train_pipeline,
        val_dataloader,
        val_evaluator,
    )
    from .._base_.models.cris import model
    from .._base_.runtime import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        randomness,
        visualizer,
    )

iterations = 1700

train_pipeline[2].size = 160
test_pipeline[1].size = 160
train_pipeline[4].max_length = 14
test_pipeline[4].max_length = 14
train_dataloader.update(batch_size=4, num_workers=0, persistent_workers=False)
train_dataloader.dataset.pipeline = train_pipeline
val_dataloader.update(batch_size=16, num_workers=0, persistent_workers=False)
val_dataloader.dataset.pipeline = test_pipeline
test_dataloader.update(batch_size=16, num_workers=0, persistent_workers=False)
test_dataloader.dataset.pipeline = test_pipeline

model.backbone.update(
    image_layers=(1, 1, 1, 1),
    image_channels=12,
    pool_grid=3,
    head_channels=8,
    embed_dims=48,
    text_channels=64,
    text_layers=2,
    vocab_size=128,
    max_text_positions=16,
    checkpoint=None,
    init_cfg=dict(type=NormalInit, layer='Embedding', std=0.1),  # CLIP's 0.02 is soon lost at this learning rate
)
model.neck.fusion.update(in_channels=(96, 192, 48), sentence_channels=48, channels=(24, 48, 96))
model.neck.decoder.update(embed_dims=48, text_channels=64, num_layers=2, num_heads=4, ffn_channels=96, dropout=0.0)
model.head.projector.update(in_channels=48, out_channels=24)
model.head.sentence_channels = 48

train_cfg = dict(type=IterBasedTrainLoop, max_iters=iterations, val_interval=iterations)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=MuonAdamW, lr=1.5e-3, weight_decay=0.01),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type=LinearLR, start_factor=0.01, by_epoch=False, begin=0, end=60),
    dict(type=CosineAnnealingLR, eta_min=1e-5, by_epoch=False, begin=60, end=iterations, T_max=iterations - 60),
]
log_processor.by_epoch = False
custom_hooks = [*custom_hooks, dict(type=AverageBuffersHook, interval=iterations)]
default_hooks.checkpoint.update(by_epoch=False, interval=iterations, max_keep_ckpts=1)
