"""CRIS's schedule: 50 epochs in half precision, rates times 0.1 after epoch 35, CLIP at a tenth, no clipping.

The two tables of positions of CLIP learn at the full rate, as in CRIS, since they are read at other sizes than before.
"""

from mmengine.optim import AmpOptimWrapper, MultiStepLR
from mmengine.runner import EpochBasedTrainLoop
from torch.optim import Adam

max_epochs = 50
milestones = [35]
base_batch_size = 64  # samples of an update that lr is for: four GPUs with 16 each

train_cfg = dict(type=EpochBasedTrainLoop, max_epochs='${max_epochs}', val_interval=1)
sync_bn = 'torch'  # with several GPUs
auto_scale_lr = dict(base_batch_size='${base_batch_size}', enable=False)

optim_wrapper = dict(
    type=AmpOptimWrapper,
    dtype='float16',
    loss_scale='dynamic',
    optimizer=dict(type=Adam, lr=1e-4, weight_decay=0),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1), positional_embedding=dict(lr_mult=1.0))),
)
param_scheduler = [dict(type=MultiStepLR, milestones='${milestones}', gamma=0.1, by_epoch=True)]
