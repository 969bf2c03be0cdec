"""InstanceVG (arXiv:2509.13747) on RefCOCO, RefCOCO+ and RefCOCOg together, BEiT-3 base; RefCOCO val: P@0.5 92.38.

Trained on the three training splits one after the other, which share images with the evaluation splits of each other;
RefCOCOg is UMD's. Validated on RefCOCO val; other splits:
``--cfg-options test_dataloader.dataset.dataset=refcoco+ test_dataloader.dataset.split=testA``.
"""

from mmdet.datasets.samplers import AspectRatioBatchSampler
from mmengine.config import read_base

from mmvg.evaluation.metrics import CoverAcc, RECMetric, RESMetric

with read_base():
    from .._base_.datasets.refcoco_mixed import *
    from .._base_.models.instancevg_base import *
    from .._base_.runtime import *
    from .._base_.schedules.adam_20e import *

num_queries = 1
model.head.mask_loss.negative_weight = 0.0
train_dataloader.update(drop_last=False, batch_sampler=dict(type=AspectRatioBatchSampler))  # 16 per GPU, 32 in all
train_dataloader.dataset.leakage = 'keep'  # as the authors trained: images of evaluation splits stay in
evaluator = [
    dict(type=RECMetric, resolution='${frame}'),
    dict(type=RESMetric, resolution='${frame}'),
    dict(type=CoverAcc, resolution='${frame}'),
]
default_hooks.checkpoint.update(save_best='rec/P@0.5', rule='greater')
