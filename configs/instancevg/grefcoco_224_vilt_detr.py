"""Table 17 of InstanceVG: ViLT-B/32 with a DETR decoder; the paper: F1 64.88."""

from mmengine.config import read_base

from mmvg.datasets.tokenizers import BertTokenizer
from mmvg.datasets.transforms import Tokenize
from mmvg.models.backbones import ViLTEncoder

with read_base():
    from .grefcoco_224_detr import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        find_unused_parameters,
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

model.backbone = dict(type=ViLTEncoder, img_size=224, checkpoint='data/weights/vilt-b32-mlm')
model.neck.projection.update(image_channels=768, text_channels=768)
model.data_preprocessor.update(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5])
train_pipeline[4] = dict(
    type=Tokenize, tokenizer=dict(type=BertTokenizer, vocab='data/weights/vilt-b32-mlm'), max_length=40
)
test_pipeline[4] = train_pipeline[4]
train_dataloader.dataset.pipeline = train_pipeline
val_dataloader.dataset.pipeline = test_pipeline
test_dataloader.dataset.pipeline = test_pipeline

# the baseline has one mask, of the whole expression
model.head.mask_loss.update(positive_weight=0.0, negative_weight=0.0)
model.head.postprocess.mask_output = 'global'
