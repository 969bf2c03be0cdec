"""Ref-L4 (arXiv:2406.16866), val and test together, as its authors report them.

Whatever was trained on RefCOCO is scored on it; other splits: ``--cfg-options test_dataloader.dataset.split=test``.
"""

from mmengine.config import read_base

from mmvg.datasets import RefL4Dataset
from mmvg.evaluation.metrics import RefL4Metric

with read_base():
    from .refcoco import *

max_length = 128  # 24 words on average
val_dataloader.dataset = test_dataloader.dataset = dict(
    type=RefL4Dataset,
    split='all',
    data_root='${data_root}',
    mode='tolerant',
    test_mode=True,
    pipeline='${test_pipeline}',
)
evaluator = [dict(type=RefL4Metric, resolution='${frame}')]
