"""SimVG (arXiv:2409.17531) on gRefCOCO (GREC), BEiT-3 base, ten queries, 200 epochs of 32 samples a step, no jitter."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grefcoco import *
    from .._base_.models.simvg_base import *
    from .._base_.runtime import *
    from .._base_.schedules.adam_30e import *

num_queries = 10
max_length = 20
train_batch_size = 32
max_epochs = 200
milestones = [180]
grec_metric.score_thr = '${score_thr}'
evaluator = ['${grec_metric}']
default_hooks.checkpoint.update(save_best='grec/F1', rule='greater')
