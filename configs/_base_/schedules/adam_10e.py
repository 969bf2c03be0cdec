"""InstanceVG's schedule for generalized tasks: 10 epochs, rates times 0.5, 1 (5 epochs), 0.1 (4 epochs)."""

from mmengine.optim import LinearLR, MultiStepLR, OptimWrapper
from mmengine.runner import EpochBasedTrainLoop
from torch.optim import Adam

max_epochs = 10
warmup_factor = 0.5
warmup_epochs = 2
milestones = [6]
base_batch_size = 32  # samples of an update that lr is for: two GPUs with 16 each

train_cfg = dict(type=EpochBasedTrainLoop, max_epochs='${max_epochs}', val_interval=1)
auto_scale_lr = dict(base_batch_size='${base_batch_size}', enable=False)

optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=Adam, lr=5e-4, betas=(0.9, 0.98), eps=1e-9, weight_decay=0, amsgrad=True),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),  # 5e-5 for the whole encoder
    clip_grad=dict(max_norm=0.15, norm_type=2),
)
param_scheduler = [
    dict(type=LinearLR, start_factor='${warmup_factor}', by_epoch=True, begin=0, end='${warmup_epochs}'),
    dict(type=MultiStepLR, milestones='${milestones}', gamma=0.1, by_epoch=True),
]
