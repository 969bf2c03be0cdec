"""LGGD for tests: every part, a few channels wide, four steps on the tiny RefShapes; seconds on one core.

Data: ``python tools/dataset_converters/refshapes.py --out data/refshapes_tiny --size tiny --formats ocid_vlg``.
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

data_root = 'data/refshapes_tiny/ocid_vlg'
tokenizer.vocab_file = 'data/refshapes_tiny/vocab.txt'
train_pipeline[6].tokenizer = tokenizer
test_pipeline[5].tokenizer = tokenizer
train_pipeline[3].size = (64, 64)
test_pipeline[1].size = (64, 64)
train_dataloader.update(batch_size=4)
train_dataloader.dataset.update(data_root=data_root, pipeline=train_pipeline)
val_dataloader.update(batch_size=4)
val_dataloader.dataset.update(data_root=data_root, pipeline=test_pipeline, indices=12)
test_dataloader.update(batch_size=4)
test_dataloader.dataset.update(data_root=data_root, pipeline=test_pipeline, indices=12)

model.backbone.update(image_channels=(4, 8, 8), image_blocks=(0, 0, 1), text_channels=8, text_heads=2)
model.backbone.sentence_channels = 8
model.neck.fusion.update(in_channels=8, embed_dims=8, num_heads=2, ffn_channels=16)
model.neck.upsampling.update(
    in_channels=8, skip_channels=(8, 4), joined_channels=(8, 4), out_channels=(8, 4), sentence_channels=8
)
model.head.coarse.update(in_channels=4, channels=4, sentence_channels=8, num_kernels=2, hidden_channels=8)
model.head.refinement.widths = (4, 4, 8, 8)
model.aux_heads.fused.in_channels = 8

train_cfg.update(max_iters=4, val_interval=4)
param_scheduler = []
default_hooks.checkpoint.interval = 4
default_hooks.logger.interval = 1
default_hooks.visualization.num_samples = 4
