"""Images with grasps, letterboxed to 224 x 224, and 77 tokens of CLIP; training paints maps of the grasps."""

from mmengine.config import read_base

from mmvg.datasets.transforms import (
    CleanText,
    EncodeGraspMaps,
    LoadGraspAnnotations,
    LoadGroundingAnnotations,
    LoadImage,
    PackGroundingInputs,
)

with read_base():
    from .letterbox import *

size = 224
max_length = 77
reader = 'raw'
width_norm = 35.0  # pixels of the input: an opening that is painted as 1, 100 of the 640 of OCID-VLG

encode_grasps = dict(
    type=EncodeGraspMaps, center_ratio=0.5, quality_sigma=1.05, width_norm='${width_norm}', smooth_width=True
)
load_steps = [
    dict(type=LoadImage, bad_image='skip'),
    dict(type=LoadGroundingAnnotations),
    dict(type=LoadGraspAnnotations),
]
encode_steps = [
    '${resize}',
    '${encode_grasps}',
    dict(type=CleanText, reader='${reader}', empty='skip'),
    '${tokenize}',
    dict(type=PackGroundingInputs),
]
train_pipeline = [*load_steps, *encode_steps]
test_pipeline = [
    dict(type=LoadImage),
    '${resize}',
    dict(type=LoadGroundingAnnotations),  # after Letterbox: the ground truth stays in original pixels
    dict(type=LoadGraspAnnotations),
    dict(type=CleanText, reader='${reader}', empty='keep'),
    '${tokenize}',
    dict(type=PackGroundingInputs),
]
