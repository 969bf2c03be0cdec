"""CROG in small, from scratch on RefScenes: simulated tables, seen at 128 x 96, whose grasps a gripper has tried.

The model of ``refshapes.py``. ``mmvg data scenes --out data/refscenes`` draws the tables first.
"""

from mmengine.config import read_base

with read_base():
    from .refshapes import *
    from .._base_.datasets.refscenes_ocid_vlg import *

train_batch_size = 4
evaluator = [dict(type=GraspMetric, gt_width=None, gt_jaw=None), dict(type=RESMetric, comparison='>')]
model.head.postprocess.jaw_size = 5.7  # pixels of the input: 22 mm at 0.6 m
