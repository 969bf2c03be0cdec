"""GR-ConvNet (arXiv:1909.04810) + CLIP on OCID-VLG ``multiple``, 224 x 224; test J@1 9.7, IoU 31.3 in LGGD's Table I.

The schedule is LGGD's with the rate of the authors.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.grconvnet import *
    from .._base_.datasets.ocid_vlg import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_50e import *

train_batch_size = 72
train_dataloader.num_workers = 8
optim_wrapper.optimizer.lr = 1e-3
default_hooks.checkpoint.update(save_best='grasp/J@1', rule='greater')
