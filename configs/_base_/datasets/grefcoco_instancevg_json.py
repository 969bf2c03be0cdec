"""gRefCOCO from InstanceVG's own JSON files; the releases name them differently, see ``ann_file``."""

from mmengine.config import read_base

from mmvg.datasets import InstanceVGJSONDataset

with read_base():
    from .grefcoco import *

ann_file = 'grefs/instances.json'
data = dict(
    type=InstanceVGJSONDataset,
    dataset='grefcoco',
    ann_file='${ann_file}',
    data_root='${data_root}',
    crowd='drop',
    mode='tolerant',
)
train_dataloader.dataset = dict(data, split='train', pipeline='${train_pipeline}')
val_dataloader.dataset = test_dataloader.dataset = dict(data, split='val', test_mode=True, pipeline='${test_pipeline}')
