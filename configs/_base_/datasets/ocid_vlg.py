"""OCID-VLG, letterboxed to 224 x 224, 77 tokens of CLIP.

Other versions: ``--cfg-options version=novel-classes``. No flips: half of the sentences say left and right.
``mmdet.datasets.transforms.PhotoMetricDistortion`` before the letterbox jitters colours.
"""

from mmengine.config import read_base

from mmvg.datasets import OCIDVLGDataset
from mmvg.evaluation.metrics import GraspMetric, RESMetric

with read_base():
    from ..loaders import *
    from ..pipelines.grasps import *

data_root = 'data/OCID-VLG'
version = 'multiple'
data = dict(type=OCIDVLGDataset, version='${version}', data_root='${data_root}', mode='tolerant')
train_dataloader.dataset = dict(data, split='train', pipeline='${train_pipeline}')
val_dataloader.dataset = dict(data, split='val', test_mode=True, pipeline='${test_pipeline}')
test_dataloader.dataset = dict(data, split='test', test_mode=True, pipeline='${test_pipeline}')
evaluator = [dict(type=GraspMetric), dict(type=RESMetric)]
