"""RefScenes as JSON lines: sentences that mean one object, several or none, with the grasps on all of them."""

from mmengine.config import read_base

from mmvg.datasets import JSONLDataset
from mmvg.evaluation.metrics import GRESMetric

with read_base():
    from .refscenes_ocid_vlg import *

data_root = 'data/refscenes/jsonl'
data = dict(type=JSONLDataset, ann_file='all.jsonl', data_root='${data_root}', img_prefix='images')
train_dataloader.dataset = dict(data, split='train', pipeline='${train_pipeline}')
val_dataloader.dataset = dict(data, split='val', test_mode=True, pipeline='${test_pipeline}')
test_dataloader.dataset = dict(data, split='test', test_mode=True, pipeline='${test_pipeline}')
evaluator = [dict(type=GraspMetric, gt_width=None, gt_jaw=None), dict(type=GRESMetric)]
