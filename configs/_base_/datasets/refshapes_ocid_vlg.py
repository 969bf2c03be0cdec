"""RefShapes in the format of OCID-VLG, version ``multiple``; its pictures are a quarter as wide as the real ones."""

from mmengine.config import read_base

from mmvg.datasets.transforms import Letterbox
from mmvg.evaluation.metrics import GraspMetric, RESMetric

with read_base():
    from .ocid_vlg import *
    from ..refshapes import *

data_root = 'data/refshapes/ocid_vlg'
size = (96, 96)
max_length = 16
reader = 'instancevg'
width_norm = 36.0  # 60 of the 160 pixels of a picture
num_workers = 0
persistent_workers = False
resize = dict(type=Letterbox, size='${size}', pad_value=127)
encode_grasps.update(quality='peak', smooth_width=False)
evaluator = [dict(type=GraspMetric, gt_jaw=7), dict(type=RESMetric)]  # jaws as they are drawn
