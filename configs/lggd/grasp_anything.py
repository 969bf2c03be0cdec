"""LGGD (arXiv:2512.21065) on Grasp-Anything++, 224 x 224; the paper: one GPU of 80 GB, success 59 seen, 31 unseen.

Jaws are half of the opening, openings are up to 208 pixels, and the middle third of a rectangle is painted, as in LGD.
The data has no validation split, so training does not choose among checkpoints: the last epoch is the one to test.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grasp_anything import (
        clip_mean_bgr,
        test_dataloader,
        test_evaluator,
        test_pipeline,
        tokenizer,
        train_dataloader,
        train_pipeline,
        val_dataloader,
        val_evaluator,
    )
    from .._base_.models.lggd import model
    from .._base_.runtime import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        randomness,
        visualizer,
    )
    from .._base_.schedules.adamw_50e import optim_wrapper, param_scheduler, test_cfg, train_cfg, val_cfg

model.head.postprocess.update(width_norm=208.0, jaw_size=None)
train_dataloader.update(batch_size=72, num_workers=8)
train_cfg.val_interval = 50
