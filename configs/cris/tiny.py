"""CRIS for tests: every part, a few channels wide, four steps on the tiny RefShapes; seconds on one core.

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
train_pipeline[2].size = 64
test_pipeline[1].size = 64
train_dataloader.batch_size = 4
train_dataloader.dataset.update(data_root=data_root, pipeline=train_pipeline)
val_dataloader.batch_size = 4
val_dataloader.dataset.update(data_root=data_root, pipeline=test_pipeline, indices=12)
test_dataloader.batch_size = 4
test_dataloader.dataset.update(data_root=data_root, pipeline=test_pipeline, indices=12)

model.backbone.update(image_channels=8, pool_grid=2, head_channels=8, embed_dims=16, text_channels=16, text_layers=1)
model.neck.fusion.update(in_channels=(64, 128, 16), sentence_channels=16, channels=(8, 16, 16))
model.neck.decoder.update(embed_dims=16, text_channels=16, num_layers=1, num_heads=2, ffn_channels=16)
model.head.projector.update(in_channels=16, out_channels=8)
model.head.sentence_channels = 16

train_cfg.update(max_iters=4, val_interval=4)
param_scheduler = []
default_hooks.checkpoint.interval = 4
default_hooks.logger.interval = 1
default_hooks.visualization.num_samples = 4
