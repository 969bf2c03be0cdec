"""LGGD in small, from scratch on RefShapes in the format of OCID-VLG; about ten minutes on four cores.

Every part of the paper's model, narrow and at 96 x 96 pixels, on a small trainable encoder instead of CLIP's towers.
The schedule is for four processes of one thread: ``tools/dist_train.sh configs/lggd/refshapes.py 4``.
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop, TestLoop, ValLoop
from torch.optim import AdamW

from mmvg.engine.hooks import AverageBuffersHook
from mmvg.models.backbones import ConvTextEncoder
from mmvg.models.heads import AuxiliaryMaskHead

with read_base():
    from .._base_.datasets.refshapes_ocid_vlg import (
        test_dataloader,
        test_evaluator,
        test_pipeline,
        tokenizer,
        train_dataloader,
        train_pipeline,
        val_dataloader,
        val_evaluator,
    )
    from .._base_.models.lggd import model
    from .._base_.runtime import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        randomness,
        visualizer,
    )

iterations = 1400

model.data_preprocessor.update(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5])
model.backbone = dict(
    type=ConvTextEncoder,
    image_channels=(16, 32, 64),
    image_blocks=(0, 1, 2),
    text_channels=48,
    text_layers=2,
    sentence_channels=48,
    vocab_size=128,
)
model.neck.fusion.update(in_channels=64, embed_dims=48, num_heads=4, ffn_channels=96, dropout=0.0)
model.neck.upsampling.update(
    in_channels=48,
    skip_channels=(32, 16),
    joined_channels=(16, 8),
    out_channels=(16, 16),
    plain_channels=(),  # maps of 48 x 48
    sentence_channels=48,
)
model.head.coarse.update(in_channels=16, channels=8, sentence_channels=48)
model.head.refinement.widths = (4, 8, 16, 16)
model.head.criterion.angle_on_grasp_only = True
model.head.postprocess.width_norm = 60.0
model.aux_heads = dict(fused=dict(type=AuxiliaryMaskHead, in_channels=48, level=-1, loss_weight=1.0))

train_cfg = dict(type=IterBasedTrainLoop, max_iters=iterations, val_interval=iterations)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=AdamW, lr=2e-3, weight_decay=0.01, fused=True),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type=LinearLR, start_factor=0.01, by_epoch=False, begin=0, end=60),
    dict(type=CosineAnnealingLR, eta_min=1e-5, by_epoch=False, begin=60, end=iterations, T_max=iterations - 60),
]
log_processor.by_epoch = False
custom_hooks = [*custom_hooks, dict(type=AverageBuffersHook, interval=iterations)]
default_hooks.checkpoint.update(by_epoch=False, interval=iterations, max_keep_ckpts=1)
