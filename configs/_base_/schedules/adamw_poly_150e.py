"""EEVG's schedule: 150 epochs of AdamW in half precision, rates falling by epoch, lower ones for the encoders."""

from mmengine.config import read_base
from mmengine.optim import AmpOptimWrapper, PolyLR
from torch.optim import AdamW

with read_base():
    from .adamw_poly_40e import *

max_epochs = 150
base_batch_size = 80  # four GPUs with 20 each

optim_wrapper = dict(
    type=AmpOptimWrapper,
    dtype='float16',
    loss_scale='dynamic',
    optimizer=dict(type=AdamW, lr=2.5e-5, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'backbone.image': dict(lr_mult=0.4), 'backbone.text': dict(lr_mult=0.2)}),
)
param_scheduler = [dict(type=PolyLR, power=0.9, eta_min=0, begin=0, end='${max_epochs}', by_epoch=True)]
