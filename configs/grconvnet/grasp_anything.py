"""GR-ConvNet (arXiv:1909.04810) + CLIP on Grasp-Anything++; success 21 seen, 12 unseen in LGGD's Table IV."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.grconvnet import *
    from .._base_.datasets.grasp_anything import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_50e import *

model.head.postprocess.jaw_size = None
train_batch_size = 72
train_dataloader.num_workers = 8
optim_wrapper.optimizer.lr = 1e-3
train_cfg.val_interval = 50
