"""LGGD (arXiv:2512.21065) on OCID-VLG ``multiple``, 224 x 224; the paper: one GPU of 80 GB, test J@1 85.4, IoU 83.1."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.ocid_vlg import (
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

train_dataloader.update(batch_size=72, num_workers=8)
default_hooks.checkpoint.update(save_best='grasp/J@1', rule='greater')
