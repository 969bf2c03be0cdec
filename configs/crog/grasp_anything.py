"""CROG (arXiv:2311.05779) on Grasp-Anything++, which no paper reports; painted and scored as LGGD is on it."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grasp_anything import *
    from .._base_.models.crog import *
    from .._base_.runtime import *
    from .._base_.schedules.adam_50e import *

size = 416
max_length = 22
width_norm = 208.0  # half of the input
train_batch_size = 12
base_batch_size = 24
evaluator = [dict(type=GraspSuccessMetric), dict(type=RESMetric, comparison='>')]
model.head.postprocess.jaw_size = None
train_cfg.val_interval = 50
