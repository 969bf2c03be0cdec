"""RefCOCO-M: RefCOCO val (UNC) with pixel-accurate masks; mIoU is its score.

Whatever was trained on RefCOCO is scored on it.
"""

from mmengine.config import read_base

from mmvg.datasets import RefCOCOMDataset
from mmvg.evaluation.metrics import RECMetric, RESMetric

with read_base():
    from .refcoco import *

val_dataloader.dataset = test_dataloader.dataset = dict(
    type=RefCOCOMDataset,
    split='validation',
    data_root='${data_root}',
    mode='tolerant',
    test_mode=True,
    pipeline='${test_pipeline}',
)
evaluator = [dict(type=RESMetric, resolution='${frame}'), dict(type=RECMetric, resolution='${frame}')]
