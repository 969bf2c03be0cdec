"""GG-CNN (arXiv:1804.05172) + CLIP on OCID-VLG ``multiple``, 300 x 300, which no paper reports."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.ggcnn import *
    from .._base_.datasets.ocid_vlg import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_50e import *

size = 300
width_norm = 47.0  # pixels of the input, 100 of the 640 of OCID-VLG
encode_grasps.quality_sigma = 1.4  # 3 of the 640
model.head.postprocess.jaw_size = 9.4  # 20 of the 640
train_batch_size = 72
train_dataloader.num_workers = 8
optim_wrapper.optimizer.lr = 1e-3
default_hooks.checkpoint.update(save_best='grasp/J@1', rule='greater')
