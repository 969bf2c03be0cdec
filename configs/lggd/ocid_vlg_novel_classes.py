"""LGGD (arXiv:2512.21065) on OCID-VLG ``novel-classes``; the paper: one GPU of 80 GB, test J@1 46.0, IoU 63.1."""

from mmengine.config import read_base

with read_base():
    from .ocid_vlg_multiple import (
        clip_mean_bgr,
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
        tokenizer,
        train_cfg,
        train_dataloader,
        train_pipeline,
        val_cfg,
        val_dataloader,
        val_evaluator,
        visualizer,
    )

train_dataloader.dataset.version = 'novel-classes'
val_dataloader.dataset.version = 'novel-classes'
test_dataloader.dataset.version = 'novel-classes'
param_scheduler[1].update(end=18200, T_max=16200)  # 50 epochs of 364 iterations
