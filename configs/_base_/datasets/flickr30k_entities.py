"""Flickr30k Entities (arXiv:1505.04870): phrases; recall@k is P@k by MDETR's two protocols (arXiv:2104.12763).

Whatever was trained on RefCOCO is scored on it; merged boxes instead of any: ``--cfg-options boxes=merged``.
"""

from mmengine.config import read_base

from mmvg.datasets import Flickr30kEntitiesDataset
from mmvg.evaluation.metrics import PrecisionAtKMetric

with read_base():
    from .refcoco import *

boxes = 'any'
val_dataloader.dataset = test_dataloader.dataset = dict(
    type=Flickr30kEntitiesDataset,
    split='val',
    boxes='${boxes}',
    data_root='${data_root}',
    mode='tolerant',
    test_mode=True,
    pipeline='${test_pipeline}',
)
evaluator = [dict(type=PrecisionAtKMetric, resolution='${frame}')]
