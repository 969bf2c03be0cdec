"""GG-CNN (arXiv:1804.05172) + CLIP on Grasp-Anything++, 300 x 300; success 11 seen, 7 unseen in LGGD's Table IV."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.ggcnn import *
    from .._base_.datasets.grasp_anything import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_50e import *

size = 300
width_norm = 150.0  # half of the input
model.head.postprocess.jaw_size = None
train_batch_size = 72
train_dataloader.num_workers = 8
optim_wrapper.optimizer.lr = 1e-3
train_cfg.val_interval = 50
