"""InstanceVG (arXiv:2509.13747) on R-RefCOCO, R-RefCOCO+ and R-RefCOCOg, BEiT-3 base, 320 x 320.

The paper reports mIoU 76.73, mRR 92.15 and rIoU 62.41 on R-RefCOCO val. Trained on the three training splits one after
the other; an item is a ref, whose sentence, positive or negative, is drawn. Validated on R-RefCOCO val; other sets:
``--cfg-options test_dataloader.dataset.dataset=rrefcoco+``. Scored in original pixels.
"""

from mmdet.datasets.samplers import AspectRatioBatchSampler
from mmengine.config import read_base
from mmengine.dataset import ConcatDataset

from mmvg.evaluation.metrics import RRefMetric

with read_base():
    from .._base_.datasets.rrefcoco import *
    from .._base_.models.instancevg_base import *
    from .._base_.runtime import *
    from .._base_.schedules.adam_10e import *

train_dataloader.update(drop_last=False, batch_sampler=dict(type=AspectRatioBatchSampler))  # 16 per GPU, 32 in all
train_dataloader.dataset = dict(
    type=ConcatDataset,
    ignore_keys=['dataset'],  # the name, which differs
    datasets=[dict(train_dataloader.dataset, dataset=name) for name in ('rrefcoco', 'rrefcoco+', 'rrefcocog')],
)
# as the paper; the data set's authors go by the mask
evaluator = [dict(type=RRefMetric, no_target_from='score', resolution='${frame}')]
default_hooks.checkpoint.update(save_best='rref/rIoU', rule='greater')
