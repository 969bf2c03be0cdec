"""R-RefCOCO, 50 tokens, 320 x 320. Validated on val; another set, if it is not in refs(unc).p:

``--cfg-options test_dataloader.dataset.dataset=rrefcocog test_dataloader.dataset.split_by=umd``.
"""

from mmengine.config import read_base

from mmvg.datasets import RRefDataset
from mmvg.evaluation.metrics import RRefMetric

with read_base():
    from .grefcoco import *

dataset = 'rrefcoco'
data = dict(type=RRefDataset, dataset='${dataset}', data_root='${data_root}', mode='tolerant')
train_dataloader.dataset = dict(data, split='train', sentence_mode='random', pipeline='${train_pipeline}')
val_dataloader.dataset = test_dataloader.dataset = dict(data, split='val', test_mode=True, pipeline='${test_pipeline}')
evaluator = [dict(type=RRefMetric, resolution='${frame}')]
