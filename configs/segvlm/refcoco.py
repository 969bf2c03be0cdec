from mmengine.config import read_base

with read_base():
    from ..cris.refcoco import *
    from .._base_.models.segvlm import *

milestones = [15, 30]
