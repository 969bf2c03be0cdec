"""InstanceVG (arXiv:2509.13747) on gRefCOCO, BEiT-3 base, 320 x 320; the paper: two RTX 4090, val gIoU 73.36, F1 73.5.

Scored in original pixels; grefcoco_resized.py scores as the authors do.
"""

from mmdet.datasets.samplers import AspectRatioBatchSampler
from mmengine.config import read_base

from mmvg.evaluation.metrics import CoverAcc

with read_base():
    from .._base_.datasets.grefcoco import (
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
val_evaluator = [*val_evaluator, dict(type=CoverAcc)]
test_evaluator = [*test_evaluator, dict(type=CoverAcc)]
default_hooks.checkpoint.update(save_best='gres/gIoU', rule='greater')
