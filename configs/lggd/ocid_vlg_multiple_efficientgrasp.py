"""EfficientGrasp + CLIP, a row of LGGD's Table I (arXiv:2512.21065): with LMAFN; test J@1 79.2 (82.27 in Table VI)."""

from mmengine.config import read_base

with read_base():
    from .ocid_vlg_multiple import *

model.head.update(refinement=None)
model.head.coarse.dynamic = False
