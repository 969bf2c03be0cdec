"""RaAM-RVG (ICCV 2025) on RefCOCO, REC and RES together, ViT-B; two GPUs; val: P@0.5 91.45, mIoU 79.35."""

from mmengine.config import read_base

from mmvg.datasets.tokenizers import BertTokenizer
from mmvg.datasets.transforms import Tokenize

with read_base():
    from .._base_.datasets.refcoco import (
        test_dataloader,
        test_evaluator,
        test_pipeline,
        train_dataloader,
        train_pipeline,
        val_dataloader,
        val_evaluator,
    )
    from .._base_.models.raam_vit_base import model
    from .._base_.runtime import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        randomness,
        visualizer,
    )
    from .._base_.schedules.adamw_poly_60e import optim_wrapper, param_scheduler, test_cfg, train_cfg, val_cfg

tokenizer = dict(type=BertTokenizer, vocab='data/weights/bert-base-uncased')
for_bert = dict(type=Tokenize, tokenizer=tokenizer, max_length=40)
train_pipeline[2].scale = (448, 448)
test_pipeline[1].scale = (448, 448)
train_pipeline[3].reader = 'raw'
test_pipeline[3].reader = 'raw'
train_pipeline[4] = for_bert
test_pipeline[4] = for_bert
train_dataloader.batch_size = 8  # per GPU, 16 in all
train_dataloader.dataset.pipeline = train_pipeline
val_dataloader.dataset.pipeline = test_pipeline
test_dataloader.dataset.pipeline = test_pipeline
default_hooks.checkpoint.update(save_best='res/mIoU', rule='greater')
