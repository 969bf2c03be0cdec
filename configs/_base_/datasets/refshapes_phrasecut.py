"""RefShapes in the format of PhraseCut, letterboxed to 416 x 416; there are train, val, miniv, val_miniv and test."""

from mmengine.config import read_base

with read_base():
    from .phrasecut import *
    from ..refshapes import *
