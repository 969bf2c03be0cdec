"""ReLA on gRefCOCO for the weights that its authors released: val cIoU 62.42, gIoU 63.60.

Convert the file first: ``mmvg convert gres_swin_base.pth data/weights/rela_grefcoco.pth``. Pictures are resized by PIL,
and scored at the size of the input, as theirs are.
"""

from mmengine.config import read_base

with read_base():
    from .grefcoco import *

frame = 'input'
resize.backend = 'pillow'
