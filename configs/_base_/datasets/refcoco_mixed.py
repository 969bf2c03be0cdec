"""The train splits of RefCOCO, RefCOCO+ (unc) and RefCOCOg (umd) together, validated on RefCOCO val.

Images of evaluation splits are left out; InstanceVG kept them: ``--cfg-options train_dataloader.dataset.leakage=keep``.
"""

from mmengine.config import read_base

from mmvg.datasets import MixedRefCOCODataset

with read_base():
    from .refcoco import *

train_dataloader.dataset = dict(
    type=MixedRefCOCODataset, data_root='${data_root}', leakage='drop', mode='tolerant', pipeline='${train_pipeline}'
)
