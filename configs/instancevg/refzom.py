"""InstanceVG (arXiv:2509.13747) on Ref-ZOM, BEiT-3 base, 320 x 320; the paper: test oIoU 71.52, mIoU 71.12, Acc 97.42.

Scored in original pixels. Ref-ZOM has no val: the scores after each epoch are of test, and choose no checkpoint.
"""

from mmdet.datasets.samplers import AspectRatioBatchSampler
from mmengine.config import read_base

from mmvg.evaluation.metrics import RefZOMMetric

with read_base():
    from .._base_.datasets.refzom import *
    from .._base_.models.instancevg_base import *
    from .._base_.runtime import *
    from .._base_.schedules.adam_10e import *

train_dataloader.update(drop_last=False, batch_sampler=dict(type=AspectRatioBatchSampler))  # 16 per GPU, 32 in all
# as the paper; the data set's authors go by the mask
evaluator = [dict(type=RefZOMMetric, no_target_from='score', resolution='${frame}')]
