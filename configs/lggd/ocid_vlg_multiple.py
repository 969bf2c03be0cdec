"""LGGD (arXiv:2512.21065) on OCID-VLG ``multiple``, 224 x 224; the paper: one GPU of 80 GB, test J@1 85.4, IoU 83.1."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.lggd import *
    from .._base_.datasets.ocid_vlg import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_50e import *

train_batch_size = 72
train_dataloader.num_workers = 8
default_hooks.checkpoint.update(save_best='grasp/J@1', rule='greater')
