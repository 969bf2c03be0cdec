"""The full model of InstanceVG's ablations, at 224 x 224; the paper: gRefCOCO val gIoU 72.41, F1 71.43.

Scored as the authors score, in input pixels. The rows of the tables are listed in README.md.
"""

from mmengine.config import read_base

with read_base():
    from .grefcoco_resized import *

size = 224
