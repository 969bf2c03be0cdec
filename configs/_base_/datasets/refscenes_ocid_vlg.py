"""RefScenes in the format of OCID-VLG, version ``multiple``: pictures of 320 x 240, seen at 128 x 96.

``mmvg data scenes --out data/refscenes`` draws them; the jaws of its grasps are 22 mm wide, as seen through the camera.
"""

from mmengine.config import read_base

from mmvg.evaluation.metrics import GraspMetric, RESMetric

with read_base():
    from .refshapes_ocid_vlg import *
    from ..refscenes import *

data_root = 'data/refscenes/ocid_vlg'
size = (128, 96)
width_norm = 32.0  # 80 of the 320 pixels of a picture
evaluator = [dict(type=GraspMetric, gt_width=None, gt_jaw=None), dict(type=RESMetric)]  # true to the gripper
