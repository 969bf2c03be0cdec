"""InstanceVG (arXiv:2509.13747) on Ref-ZOM, BEiT-3 base, 320 x 320; the paper: test oIoU 71.52, mIoU 71.12, Acc 97.42.

Scored in original pixels. Ref-ZOM has no val: the scores after each epoch are of test, and choose no checkpoint.
"""

from mmdet.datasets.samplers import AspectRatioBatchSampler
from mmengine.config import read_base

from mmvg.evaluation.metrics import RefZOMMetric

with read_base():
    from .._base_.datasets.refzom import (
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
val_evaluator = [dict(type=RefZOMMetric, no_target_from='score')]  # as the paper; the data set's authors go by the mask
test_evaluator = [dict(type=RefZOMMetric, no_target_from='score')]
