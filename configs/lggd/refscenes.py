"""LGGD in small, from scratch on RefScenes: simulated tables, seen at 192 x 144, whose grasps a gripper has tried.

The model of ``refshapes.py`` with maps of 96 x 72. ``mmvg data scenes --out data/refscenes`` draws the tables first.
"""

from mmengine.config import read_base

with read_base():
    from .refshapes import *
    from .._base_.datasets.refscenes_ocid_vlg import *

iterations = 3000
model.head.postprocess.jaw_size = 8.6  # pixels of the input: 22 mm at 0.6 m
