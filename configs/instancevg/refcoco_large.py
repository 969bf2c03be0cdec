"""InstanceVG (arXiv:2509.13747) on RefCOCO, RefCOCO+ and RefCOCOg together, BEiT-3 large; RefCOCO val: P@0.5 94.42."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *
    from .._base_.models.instancevg_large import *

num_queries = 1
model.head.mask_loss.negative_weight = 0.0
train_batch_size = 4
base_batch_size = 8
