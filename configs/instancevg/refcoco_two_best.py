"""InstanceVG on RefCOCO, RefCOCO+ and RefCOCOg, with the authors' two best checkpoints: one for boxes, one for masks.

Chosen on the mean over the three val splits, ``best_rec_mean_P@0.5_*.pth`` and ``best_res_mean_mIoU_*.pth``.
"""

from mmengine.config import read_base
from mmengine.dataset import ConcatDataset

from mmvg.evaluation.metrics import MeanOverDatasets, RECMetric, RESMetric

with read_base():
    from .refcoco import *

val_dataloader.dataset = dict(
    type=ConcatDataset,
    datasets=[
        dict(data, dataset=name, split='val', test_mode=True, pipeline='${test_pipeline}')
        for name in ('refcoco', 'refcoco+', 'refcocog')
    ],
    ignore_keys=['dataset'],  # the name, which differs
)
val_evaluator = [
    dict(type=MeanOverDatasets, metric=dict(type=RECMetric, resolution='${frame}')),
    dict(type=MeanOverDatasets, metric=dict(type=RESMetric, resolution='${frame}')),
]
default_hooks.checkpoint.update(save_best=['rec/mean/P@0.5', 'res/mean/mIoU'], rule='greater')
