"""LGGD's schedule: AdamW for 50 epochs, 2,000 iterations of warm-up from 1e-5 to 1e-4, then a cosine to 0.

The cosine ends with the run. The warm-up is told in epochs of OCID-VLG ``multiple`` in batches of 72, 878 iterations
each, so that another data set or batch size shortens both alike.
"""

from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import EpochBasedTrainLoop
from torch.optim import AdamW

max_epochs = 50
warmup_epochs = 2000 / 878
base_batch_size = 72  # samples of an update that lr is for: one GPU

train_cfg = dict(type=EpochBasedTrainLoop, max_epochs='${max_epochs}', val_interval=1)
auto_scale_lr = dict(base_batch_size='${base_batch_size}', enable=False)

optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=AdamW, lr=1e-4, betas=(0.9, 0.999), weight_decay=0.06))
param_scheduler = [
    dict(type=LinearLR, start_factor=0.1, by_epoch=True, begin=0, end='${warmup_epochs}', convert_to_iter_based=True),
    dict(
        type=CosineAnnealingLR,
        eta_min=0.0,
        by_epoch=True,
        begin='${warmup_epochs}',
        end='${max_epochs}',
        convert_to_iter_based=True,
    ),
]
