"""RefShapes in the format of RefCOCO; other splits: ``--cfg-options test_dataloader.dataset.split=testB``."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *
    from ..refshapes import *
