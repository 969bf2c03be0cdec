"""CROG (arXiv:2311.05779) on OCID-VLG ``multiple``, CLIP-RN50, 416 x 416, 17 tokens; test J@1 77.2, IoU 81.1.

Batches of 12 are for two GPUs, 24 in all.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.ocid_vlg import *
    from .._base_.models.crog import *
    from .._base_.runtime import *
    from .._base_.schedules.adam_50e import *

size = 416
max_length = 17
train_batch_size = 12
base_batch_size = 24
encode_grasps.quality_sigma = 1.95  # pixels of the input: 3 of the 640
evaluator = [dict(type=GraspMetric), dict(type=RESMetric, comparison='>')]
default_hooks.checkpoint.update(save_best='grasp/J@1', rule='greater')
