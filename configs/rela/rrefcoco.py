"""ReLA (arXiv:2306.00968) on R-RefCOCO, as on gRefCOCO; the paper has no numbers for it.

An item is a ref, one of whose sentences, positive or negative, is drawn. Other sets:
``--cfg-options test_dataloader.dataset.dataset=rrefcoco+``.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.rrefcoco import *
    from .._base_.models.rela_swin_base import *
    from .._base_.schedules.adamw_step_300k import *

max_length = 20
train_batch_size = 6  # per GPU, 48 in all
default_hooks.checkpoint.update(save_best='rref/rIoU', rule='greater')
