"""LAVT for tests: every part, a few channels wide, four steps on the tiny RefShapes; seconds on one core.

Data: ``python tools/dataset_converters/refshapes.py --out data/refshapes_tiny --size tiny``.
"""

from mmengine.config import read_base

with read_base():
    from .refshapes import (
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

data_root = 'data/refshapes_tiny'
tokenizer.vocab_file = 'data/refshapes_tiny/vocab.txt'
train_pipeline[4].tokenizer = tokenizer
test_pipeline[4].tokenizer = tokenizer
train_pipeline[2].scale = (64, 64)
test_pipeline[1].scale = (64, 64)
train_dataloader.update(batch_size=4, num_workers=0, persistent_workers=False)
train_dataloader.dataset.update(data_root=data_root, pipeline=train_pipeline)
val_dataloader.update(batch_size=4, num_workers=0, persistent_workers=False)
val_dataloader.dataset.update(data_root=data_root, pipeline=test_pipeline, indices=12)
test_dataloader.update(batch_size=4, num_workers=0, persistent_workers=False)
test_dataloader.dataset.update(data_root=data_root, pipeline=test_pipeline, indices=12)

model.backbone.image.update(embed_dims=8, num_heads=(1, 2, 2, 2), window_size=3)
model.backbone.image.stem.channels = (4, 8)
model.backbone.text.update(embed_dims=16, num_layers=4, num_heads=2, ffn_channels=32)
model.backbone.fusion.update(image_channels=(8, 16, 32, 64), text_channels=16)
model.neck.decoder.update(in_channels=(8, 16, 32, 64), channels=8)
model.head.in_channels = 8

train_cfg.update(max_iters=4, val_interval=4)
param_scheduler = []
default_hooks.checkpoint.interval = 4
default_hooks.logger.interval = 1
default_hooks.visualization.num_samples = 4
