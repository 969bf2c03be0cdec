"""RefShapes in the formats of RefCOCO, RefCOCO+ and RefCOCOg together, validated on that of RefCOCO."""

from mmengine.config import read_base

with read_base():
    from .refcoco_mixed import *
    from ..refshapes import *
