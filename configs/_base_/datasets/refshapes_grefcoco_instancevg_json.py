"""RefShapes in the format of InstanceVG's own JSON files."""

from mmengine.config import read_base

with read_base():
    from .grefcoco_instancevg_json import *
    from ..refshapes import *

ann_file = 'instancevg/grefs/instances.json'
