"""RefCOCO+ (unc); other splits: ``--cfg-options test_dataloader.dataset.split=testA``."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcoco+'
