"""EEVG (arXiv:2408.01120) on gRefCOCO (GRES): an empty mask says that nothing is meant; one box for all targets."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grefcoco import *
    from .._base_.models.eevg_vit_base import *
    from .._base_.pipelines.scale_crop import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_poly_150e import *

train_batch_size = 20  # per GPU, 80 in all
model.head.postprocess.score_thr = 0.5  # as mask_thr: something is meant where a pixel is
gres_metric.no_target_from = 'mask'
evaluator = ['${gres_metric}']
default_hooks.checkpoint.update(save_best='gres/gIoU', rule='greater')
