"""InstanceVG (arXiv:2509.13747) on gRefCOCO, BEiT-3 base, 320 x 320; the paper: two RTX 4090, val gIoU 73.36, F1 73.5.

Scored in original pixels; grefcoco_resized.py scores as the authors do.
"""

from mmdet.datasets.samplers import AspectRatioBatchSampler
from mmengine.config import read_base

from mmvg.evaluation.metrics import CoverAcc

with read_base():
    from .._base_.datasets.grefcoco import *
    from .._base_.models.instancevg_base import *
    from .._base_.runtime import *
    from .._base_.schedules.adam_10e import *

train_dataloader.update(drop_last=False, batch_sampler=dict(type=AspectRatioBatchSampler))  # 16 per GPU, 32 in all
cover_metric = dict(type=CoverAcc, resolution='${frame}')
evaluator = ['${grec_metric}', '${gres_metric}', '${cover_metric}']
default_hooks.checkpoint.update(save_best='gres/gIoU', rule='greater')
