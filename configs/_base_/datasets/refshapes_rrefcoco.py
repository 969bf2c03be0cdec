"""RefShapes in the format of R-RefCOCO; other sets: ``--cfg-options test_dataloader.dataset.dataset=rrefcoco+``."""

from mmengine.config import read_base

with read_base():
    from .rrefcoco import *
    from ..refshapes import *
