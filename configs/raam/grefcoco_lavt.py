"""LAVT (arXiv:2112.02244) on gRefCOCO as in Table 4 of RaAM-RVG: val cIoU 57.64, gIoU 58.40.

480 x 480 pixels and the schedule of RaAM-RVG; an empty mask says that nothing is meant.
"""

from mmengine.config import read_base

with read_base():
    from .grefcoco import *
    from .._base_.models.lavt_swin_base import *

gres_metric.no_target_from = 'mask'
