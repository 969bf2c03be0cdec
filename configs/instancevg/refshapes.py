"""InstanceVG in small, from scratch on RefShapes in the format of gRefCOCO: the model of `make demo`.

Every part of the paper's model, narrow and at 96 x 96 pixels. A convolutional stem and an auxiliary mask head stand in
for pre-training, NMS for a longer one. The schedule is for four processes of one thread (batches of 4 x 16), which do
twice the work of four threads in one process: ``tools/dist_train.sh configs/instancevg/refshapes.py 4``, ten minutes.
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop, TestLoop, ValLoop

from mmvg.engine.hooks import AverageBuffersHook
from mmvg.engine.optimizers import MuonAdamW
from mmvg.evaluation.metrics import CoverAcc, GRECMetric, GRESMetric
from mmvg.models.backbones import ConvStem
from mmvg.models.heads import AuxiliaryMaskHead

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

iterations = 1150

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

model.backbone.update(
    img_size=96,
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
model.head.detection_loss.cls_weight = 4.0
model.head.existence_loss.loss_weight = 0.4
model.head.minimap_loss.update(loss_weight=0.3, attention_input='prob')
model.head.postprocess.update(score_thr=0.6, nms_thr=0.5)
model.aux_heads = dict(coarse=dict(type=AuxiliaryMaskHead, in_channels=48, level=2, loss_weight=2.0))

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
val_evaluator = [
    dict(type=GRECMetric, score_threshold=0.6),
    dict(type=GRESMetric, score_threshold=0.6),
    dict(type=CoverAcc),
]
test_evaluator = val_evaluator
log_processor.by_epoch = False
custom_hooks = [*custom_hooks, dict(type=AverageBuffersHook, interval=iterations)]
default_hooks.checkpoint.update(by_epoch=False, interval=iterations, max_keep_ckpts=1)
