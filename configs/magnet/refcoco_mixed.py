"""MagNet (arXiv:2312.12198) on RefCOCO, RefCOCO+ and RefCOCOg together; RefCOCO val oIoU 76.55.

The three training splits without the images of any evaluation split, as the paper has it. Validated on RefCOCO val;
other splits: ``--cfg-options test_dataloader.dataset.dataset=refcoco+ test_dataloader.dataset.split=testA``.
"""

from mmengine.config import read_base

with read_base():
    from .refcoco import *
    from .._base_.datasets.refcoco_mixed import train_dataloader

size = 448  # as in the authors' script for this model
