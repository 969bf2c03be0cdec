"""SimVG (arXiv:2409.17531) on RefCOCO, BEiT-3 large, both branches in one training of 30 epochs, 4 samples a step."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *
    from .._base_.models.simvg_large import *

train_batch_size = 4
base_batch_size = 4
