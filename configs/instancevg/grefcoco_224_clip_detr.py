"""Table 17 of InstanceVG: CLIP ViT-B/16 and a 3-layer fusion transformer with a DETR decoder; the paper: F1 59.33."""

from mmengine.config import read_base

from mmvg.datasets.tokenizers import CLIPTokenizer
from mmvg.datasets.transforms import Tokenize
from mmvg.models.backbones import CLIPDualEncoder

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

model.backbone = dict(type=CLIPDualEncoder, img_size=224, checkpoint='data/weights/ViT-B-16.pt')
model.neck.projection.update(image_channels=512, text_channels=512)
model.data_preprocessor.update(mean=[122.771, 116.746, 104.094], std=[68.501, 66.632, 70.323])
train_pipeline[4] = dict(type=Tokenize, tokenizer=dict(type=CLIPTokenizer), max_length=50)
test_pipeline[4] = train_pipeline[4]
train_dataloader.dataset.pipeline = train_pipeline
val_dataloader.dataset.pipeline = test_pipeline
test_dataloader.dataset.pipeline = test_pipeline

# the baseline has one mask, of the whole expression
model.head.mask_loss.update(positive_weight=0.0, negative_weight=0.0)
model.head.postprocess.mask_output = 'global'
