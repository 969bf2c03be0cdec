"""EfficientGrasp + CLIP on Grasp-Anything++, LGGD's Table IV (arXiv:2512.21065); success 33 seen, 18 unseen."""

from mmengine.config import read_base

with read_base():
    from .grasp_anything import *

model.head.update(refinement=None)
model.head.coarse.dynamic = False
