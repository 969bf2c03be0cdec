"""gRefCOCO; other splits: ``--cfg-options test_dataloader.dataset.split=testA``."""

from mmengine.config import read_base

from mmvg.datasets import GRefCOCODataset
from mmvg.evaluation.metrics import GRECMetric, GRESMetric

with read_base():
    from ..loaders import *
    from ..pipelines.resize import *

max_length = 50
data = dict(type=GRefCOCODataset, data_root='${data_root}', mode='tolerant')
train_dataloader.dataset = dict(data, split='train', pipeline='${train_pipeline}')
val_dataloader.dataset = test_dataloader.dataset = dict(data, split='val', test_mode=True, pipeline='${test_pipeline}')
grec_metric = dict(type=GRECMetric, resolution='${frame}')
gres_metric = dict(type=GRESMetric, resolution='${frame}')
evaluator = ['${grec_metric}', '${gres_metric}']
