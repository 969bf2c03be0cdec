"""InstanceVG (arXiv:2509.13747) on RefCOCO, RefCOCO+ and RefCOCOg together, BEiT-3 base; RefCOCO val: P@0.5 92.38.

Trained on the three training splits one after the other, which share images with the evaluation splits of each other;
RefCOCOg is UMD's. Validated on RefCOCO val; other splits:
``--cfg-options test_dataloader.dataset.dataset=refcoco+ test_dataloader.dataset.split=testA``.
"""

from mmdet.datasets.samplers import AspectRatioBatchSampler
from mmengine.config import read_base

from mmvg.evaluation.metrics import CoverAcc

with read_base():
    from .._base_.datasets.refcoco_mixed import (
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
    from .._base_.schedules.adam_20e import optim_wrapper, param_scheduler, test_cfg, train_cfg, val_cfg

model.neck.query_generator.num_queries = 1
model.head.mask_loss.negative_weight = 0.0
train_dataloader.update(drop_last=False, batch_sampler=dict(type=AspectRatioBatchSampler))  # 16 per GPU, 32 in all
train_dataloader.dataset.leakage = 'keep'  # as the authors trained: images of evaluation splits stay in
val_evaluator = [*val_evaluator, dict(type=CoverAcc)]
test_evaluator = [*test_evaluator, dict(type=CoverAcc)]
default_hooks.checkpoint.update(save_best='rec/P@0.5', rule='greater')
