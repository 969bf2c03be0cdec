"""CRIS (arXiv:2111.15174) on R-RefCOCO, CLIP-RN101; val mIoU 43.58, mRR 76.62, rIoU 29.01.

An empty mask says that nothing is meant. The other two: ``--cfg-options dataset=rrefcoco+`` (32.13, 72.67, 21.42) and
``dataset=rrefcocog`` (27.82, 74.47, 14.60).
"""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RRefMetric

with read_base():
    from .._base_.datasets.rrefcoco import *
    from .._base_.pipelines.letterbox import *
    from .._base_.models.cris import *
    from .._base_.runtime import *
    from .._base_.schedules.adam_50e import *

max_length = 22
train_dataloader.dataset.text_field = val_dataloader.dataset.text_field = test_dataloader.dataset.text_field = 'sent'
evaluator = [dict(type=RRefMetric, resolution='${frame}')]
default_hooks.checkpoint.update(save_best='rref/rIoU', rule='greater')
