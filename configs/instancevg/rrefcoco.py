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
    from .._base_.datasets.rrefcoco import (
        test_dataloader,
        test_evaluator,
        test_pipeline,
        train_dataloader,
        train_pipeline,
        val_dataloader,
        val_evaluator,
    )
    from .._base_.models.instancevg_base import model
    from .._base_.runtime import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        randomness,
        visualizer,
    )
    from .._base_.schedules.adam_10e import optim_wrapper, param_scheduler, test_cfg, train_cfg, val_cfg

train_dataloader.update(drop_last=False, batch_sampler=dict(type=AspectRatioBatchSampler))  # 16 per GPU, 32 in all
train_dataloader.dataset = dict(
    type=ConcatDataset,
    ignore_keys=['dataset'],  # the name, which differs
    datasets=[
        train_dataloader.dataset,
        dict(train_dataloader.dataset, dataset='rrefcoco+'),
        dict(train_dataloader.dataset, dataset='rrefcocog'),
    ],
)
val_evaluator = [dict(type=RRefMetric, no_target_from='score')]  # as the paper; the data set's authors go by the mask
test_evaluator = [dict(type=RRefMetric, no_target_from='score')]
default_hooks.checkpoint.update(save_best='rref/rIoU', rule='greater')
