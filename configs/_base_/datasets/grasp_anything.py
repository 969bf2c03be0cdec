"""Grasp-Anything++, letterboxed to 224 x 224, 77 tokens of CLIP; trained on train/seen, tested on seen and unseen.

As LGD trains, with turns and enlargements: ``--cfg-options turn_zoom.turn=True turn_zoom.zoom="(0.5,1.0)"``.
"""

from mmengine.config import read_base

from mmvg.datasets import GraspAnythingDataset
from mmvg.datasets.transforms import RandomTurnZoom
from mmvg.evaluation.metrics import GraspSuccessMetric, RESMetric

with read_base():
    from ..loaders import *
    from ..pipelines.grasps import *

width_norm = 112.0  # half of the input
encode_grasps.update(center_ratio=1 / 3, quality_sigma=0.0, smooth_width=False)
turn_zoom = dict(type=RandomTurnZoom, turn=False, zoom=(1.0, 1.0))  # does nothing; the paper names no augmentation
train_pipeline = [*load_steps, '${turn_zoom}', *encode_steps]
data_root = 'data/grasp-anything'
data = dict(type=GraspAnythingDataset, data_root='${data_root}', mode='tolerant')
train_dataloader.dataset = dict(data, split='train', pipeline='${train_pipeline}')
val_dataloader.dataset = test_dataloader.dataset = dict(data, split='test', test_mode=True, pipeline='${test_pipeline}')
evaluator = [dict(type=GraspSuccessMetric), dict(type=RESMetric)]
