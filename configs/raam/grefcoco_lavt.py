"""LAVT (arXiv:2112.02244) on gRefCOCO as in Table 4 of RaAM-RVG: val cIoU 57.64, gIoU 58.40.

480 x 480 pixels and the schedule of RaAM-RVG; an empty mask says that nothing is meant.
"""

from mmengine.config import read_base

from mmvg.evaluation.metrics import GRESMetric

with read_base():
    from .._base_.models.lavt_swin_base import model
    from .grefcoco import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        optim_wrapper,
        param_scheduler,
        randomness,
        test_cfg,
        test_dataloader,
        test_pipeline,
        train_cfg,
        train_dataloader,
        train_pipeline,
        val_cfg,
        val_dataloader,
        visualizer,
    )

train_pipeline[2].scale = (480, 480)
test_pipeline[1].scale = (480, 480)
train_dataloader.dataset.pipeline = train_pipeline
val_dataloader.dataset.pipeline = test_pipeline
test_dataloader.dataset.pipeline = test_pipeline
val_evaluator = [dict(type=GRESMetric, no_target_from='mask')]
test_evaluator = [dict(type=GRESMetric, no_target_from='mask')]
