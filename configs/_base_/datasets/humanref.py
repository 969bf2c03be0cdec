"""The benchmark of HumanRef (arXiv:2503.08507): any number of persons, or nobody.

Whatever was trained on RefCOCO is scored on it.
"""

from mmengine.config import read_base

from mmvg.datasets import HumanRefDataset
from mmvg.evaluation.metrics import GRECMetric, HumanRefMetric

with read_base():
    from .refcoco import *

val_dataloader.dataset = test_dataloader.dataset = dict(
    type=HumanRefDataset,
    split='test',
    data_root='${data_root}',
    mode='tolerant',
    test_mode=True,
    pipeline='${test_pipeline}',
)
evaluator = [dict(type=HumanRefMetric, resolution='${frame}'), dict(type=GRECMetric, resolution='${frame}')]
