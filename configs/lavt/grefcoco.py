"""LAVT (arXiv:2112.02244) on gRefCOCO (GRES); val cIoU 57.64, gIoU 58.40, N-acc 49.32.

Trained as on RefCOCO, on samples without a target too, whose masks are empty; an empty mask says that nothing is meant.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grefcoco import *
    from .._base_.models.lavt_swin_base import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_poly_40e import *

max_length = 20
train_batch_size = 8  # per GPU, 32 in all
train_dataloader.dataset.sentence_mode = 'random'  # one of the sentences of a reference, drawn anew every epoch
gres_metric.no_target_from = 'mask'
evaluator = ['${gres_metric}']
sync_bn = 'torch'
default_hooks.checkpoint.update(save_best='gres/gIoU', rule='greater')
