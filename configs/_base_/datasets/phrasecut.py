"""PhraseCut, letterboxed to 416 x 416 as CRIS does, 22 tokens of CLIP; the paper reports test.

Other splits: ``--cfg-options test_dataloader.dataset.split=val_miniv``.
"""

from mmengine.config import read_base

from mmvg.datasets import PhraseCutDataset
from mmvg.evaluation.metrics import PhraseCutMetric

with read_base():
    from ..loaders import *
    from ..pipelines.letterbox import *

data = dict(type=PhraseCutDataset, data_root='${data_root}', mode='tolerant')
train_dataloader.dataset = dict(data, split='train', pipeline='${train_pipeline}')
val_dataloader.dataset = dict(data, split='val', test_mode=True, pipeline='${test_pipeline}')
test_dataloader.dataset = dict(data, split='test', test_mode=True, pipeline='${test_pipeline}')
evaluator = [dict(type=PhraseCutMetric, resolution='${frame}')]
