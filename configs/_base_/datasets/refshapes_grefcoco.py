"""RefShapes in the format of gRefCOCO; other splits: ``--cfg-options test_dataloader.dataset.split=testB``."""

from mmengine.config import read_base

with read_base():
    from .grefcoco import *
    from ..refshapes import *
