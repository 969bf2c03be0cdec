"""LGGD in small, from scratch on RefScenes: simulated tables, seen at 128 x 96, whose grasps a gripper has tried.

The model of ``refshapes.py`` with maps of 64 x 48. ``mmvg data scenes --out data/refscenes`` draws the tables first.
"""

from mmengine.config import read_base

with read_base():
    from .refshapes import *
    from .._base_.datasets.refscenes_ocid_vlg import *

iterations = 1500
model.head.postprocess.update(
    score_thr=0.0,
    jaw_size=6.2,  # pixels of the input: 22 mm at 0.57 m, the middle of the true ones
)
