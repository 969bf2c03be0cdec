"""CRIS (arXiv:2111.15174) on gRefCOCO (GRES), CLIP-RN101; val cIoU 55.34, gIoU 56.27.

An empty mask says that nothing is meant; 22 tokens, as on RefCOCOg.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grefcoco import *
    from .._base_.pipelines.letterbox import *
    from .._base_.models.cris import *
    from .._base_.runtime import *
    from .._base_.schedules.adam_50e import *

train_dataloader.dataset.sentence_mode = 'random'  # one of the sentences of a reference, drawn anew every epoch
gres_metric.no_target_from = 'mask'
train_dataloader.dataset.text_field = val_dataloader.dataset.text_field = test_dataloader.dataset.text_field = 'sent'
evaluator = ['${gres_metric}']
default_hooks.checkpoint.update(save_best='gres/gIoU', rule='greater')
