"""grefcoco.py, scored as the authors score: at 320 x 320, ground truth and predictions in input pixels."""

from mmengine.config import read_base

with read_base():
    from .grefcoco import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        model,
        optim_wrapper,
        param_scheduler,
        randomness,
        test_cfg,
        test_dataloader,
        test_evaluator,
        test_pipeline,
        train_cfg,
        train_dataloader,
        train_pipeline,
        val_cfg,
        val_dataloader,
        val_evaluator,
        visualizer,
    )

model.head.postprocess.frame = 'input'
# read the ground truth before Resize, which then moves it
test_pipeline = [test_pipeline[0], test_pipeline[2], test_pipeline[1], *test_pipeline[3:]]
val_dataloader.dataset.pipeline = test_pipeline
test_dataloader.dataset.pipeline = test_pipeline
val_evaluator = [dict(metric, resolution='resized') for metric in val_evaluator]
test_evaluator = [dict(metric, resolution='resized') for metric in test_evaluator]
