"""LAVT on RefCOCO for the weights that its authors released, of ``lavt`` (val oIoU 72.73) and of ``lavt_one``.

Convert a file first: ``mmvg convert refcoco.pth data/weights/lavt_refcoco.pth``. Pictures are resized by PIL, and
scored at the size of the input, as theirs are. Other data sets: ``--cfg-options dataset=refcoco+``.
"""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

frame = 'input'
align_corners = True  # as the authors enlarge logits
resize.backend = 'pillow'
