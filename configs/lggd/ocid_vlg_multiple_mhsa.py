"""CLIP + MHSA, a row of LGGD's Table I (arXiv:2512.21065): DCVLF alone; test J@1 82.5 (79.36 in Table VI), IoU 71.3."""

from mmengine.config import read_base

with read_base():
    from .ocid_vlg_multiple import *

model.neck.upsampling.attentive = False
model.head.update(refinement=None)
model.head.coarse.dynamic = False
