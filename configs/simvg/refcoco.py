"""SimVG (arXiv:2409.17531) on RefCOCO, BEiT-3 base, both branches in one training of 30 epochs, 32 samples a step."""

from mmengine.config import read_base

from mmvg.datasets.transforms import LargeScaleJitter
from mmvg.evaluation.metrics import RECMetric

with read_base():
    from .._base_.datasets.refcoco import *
    from .._base_.models.simvg_base import *
    from .._base_.runtime import *
    from .._base_.schedules.adam_30e import *

train_batch_size = 32
train_pipeline = [*load_steps, dict(type=LargeScaleJitter, size='${size}', scales=(0.3, 1.4)), *encode_steps]
evaluator = [dict(type=RECMetric, resolution='${frame}')]
default_hooks.checkpoint.update(save_best='rec/P@0.5', rule='greater')
