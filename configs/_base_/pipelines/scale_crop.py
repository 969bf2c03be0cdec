"""The augmentation of TransVG and EEVG: parts of the image by chance, coarser ones, other colours, and mirrored ones.

Imported after a data set, whose training pipeline it replaces.
"""

from mmdet.datasets.transforms import PhotoMetricDistortion, RandomFlip
from mmengine.config import read_base

from mmvg.datasets.transforms import RandomScaleCrop, SwapLeftRight

with read_base():
    from .resize import encode_steps, load_steps

train_pipeline = [
    *load_steps,
    dict(type=RandomScaleCrop, size='${size}', step=32, num_sizes=7, crop_prob=0.5),
    # 51 grey levels are 0.4 of the middle of the range
    dict(
        type=PhotoMetricDistortion,
        brightness_delta=51,
        contrast_range=(0.6, 1.4),
        saturation_range=(0.6, 1.4),
        hue_delta=0,
    ),
    dict(type=RandomFlip, prob=0.5),
    dict(type=SwapLeftRight),
    *encode_steps,
]
