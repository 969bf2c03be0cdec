"""RefCOCO (unc); other splits: ``--cfg-options test_dataloader.dataset.split=testA``."""

from mmengine.config import read_base

from mmvg.datasets import RefCOCODataset
from mmvg.evaluation.metrics import RECMetric, RESMetric

with read_base():
    from ..loaders import *
    from ..pipelines.resize import *

dataset = 'refcoco'
data = dict(type=RefCOCODataset, dataset='${dataset}', data_root='${data_root}', mode='tolerant')
train_dataloader.dataset = dict(data, split='train', sentence_mode='random', pipeline='${train_pipeline}')
val_dataloader.dataset = test_dataloader.dataset = dict(data, split='val', test_mode=True, pipeline='${test_pipeline}')
evaluator = [dict(type=RECMetric, resolution='${frame}'), dict(type=RESMetric, resolution='${frame}')]
