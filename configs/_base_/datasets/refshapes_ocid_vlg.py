"""RefShapes in the format of OCID-VLG, version ``multiple``; its pictures are a quarter as wide as the real ones."""

from mmengine.config import read_base

from mmvg.datasets.transforms import Letterbox

with read_base():
    from .ocid_vlg import *
    from ..refshapes import *

data_root = 'data/refshapes/ocid_vlg'
size = (96, 96)
max_length = 16
reader = 'instancevg'
width_norm = 60.0
num_workers = 0
persistent_workers = False
resize = dict(type=Letterbox, size='${size}', pad_value=127)
encode_grasps.update(quality_sigma=1.0, smooth_width=False)
