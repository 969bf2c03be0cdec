"""MagNet (arXiv:2312.12198) on RefCOCO, RefCOCO+ and RefCOCOg together; RefCOCO val oIoU 76.55.

The three training splits without the images of any evaluation split, as the paper has it. Validated on RefCOCO val;
other splits: ``--cfg-options test_dataloader.dataset.dataset=refcoco+ test_dataloader.dataset.split=testA``.
"""

from mmengine.config import read_base

from mmvg.datasets.tokenizers import BertTokenizer
from mmvg.datasets.transforms import Tokenize
from mmvg.evaluation.metrics import RESMetric

with read_base():
    from .._base_.datasets.refcoco_mixed import (
        test_dataloader,
        test_pipeline,
        train_dataloader,
        train_pipeline,
        val_dataloader,
    )
    from .._base_.models.magnet_swin_base import model
    from .._base_.runtime import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        randomness,
        visualizer,
    )
    from .._base_.schedules.adamw_poly_40e import optim_wrapper, param_scheduler, test_cfg, train_cfg, val_cfg

tokenizer = dict(type=BertTokenizer, vocab='data/weights/bert-base-uncased')
for_bert = dict(type=Tokenize, tokenizer=tokenizer, max_length=20)
train_pipeline[2].scale = (480, 480)
test_pipeline[1].scale = (480, 480)
train_pipeline[3].reader = 'raw'
test_pipeline[3].reader = 'raw'
train_pipeline[4] = for_bert
test_pipeline[4] = for_bert
train_dataloader.batch_size = 8  # per GPU, 32 in all
train_dataloader.dataset.pipeline = train_pipeline
val_dataloader.dataset.pipeline = test_pipeline
test_dataloader.dataset.pipeline = test_pipeline
val_evaluator = [dict(type=RESMetric)]
test_evaluator = [dict(type=RESMetric)]
optim_wrapper.clip_grad = dict(max_norm=0.1)
default_hooks.checkpoint.update(save_best='res/oIoU', rule='greater')
