"""How the small models learn RefShapes from scratch: MuonAdamW for some minutes, 60 steps of warm-up, then a cosine.

For four processes of one thread, so that loaders have no workers of their own.
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop

from mmvg.engine.optimizers import MuonAdamW

with read_base():
    from ..runtime import *

iterations = 1700
warmup = 60  # iterations, of the same
lr = 1.5e-3
num_workers = 0
persistent_workers = False
base_batch_size = 64  # samples of an update that lr is for: four processes with 16 each

train_cfg = dict(type=IterBasedTrainLoop, max_iters='${iterations}', val_interval='${iterations}')
auto_scale_lr = dict(base_batch_size='${base_batch_size}', enable=False)
optim_wrapper = dict(
    type=OptimWrapper, optimizer=dict(type=MuonAdamW, lr='${lr}', weight_decay=0.01), clip_grad=dict(max_norm=5.0)
)
param_scheduler = [
    dict(type=LinearLR, start_factor=0.01, by_epoch=False, begin=0, end='${warmup}'),
    dict(type=CosineAnnealingLR, eta_min=1e-5, by_epoch=False, begin='${warmup}', end='${iterations}'),
]
log_processor.by_epoch = False
default_hooks.checkpoint.update(by_epoch=False, interval='${iterations}', max_keep_ckpts=1)
