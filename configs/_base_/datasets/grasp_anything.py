"""Grasp-Anything++, letterboxed to 224 x 224, 77 tokens of CLIP; trained on train/seen, tested on seen and unseen.

As LGD trains, with turns and enlargements: ``--cfg-options train_dataloader.dataset.pipeline.3.turn=True
train_dataloader.dataset.pipeline.3.zoom="(0.5,1.0)"``.
"""

from mmengine.dataset import DefaultSampler

from mmvg.datasets import GraspAnythingDataset
from mmvg.datasets.tokenizers import CLIPTokenizer
from mmvg.datasets.transforms import (
    CleanText,
    EncodeGraspMaps,
    Letterbox,
    LoadGraspAnnotations,
    LoadGroundingAnnotations,
    LoadImage,
    PackGroundingInputs,
    RandomTurnZoom,
    Tokenize,
)
from mmvg.evaluation.metrics import GraspSuccessMetric, RESMetric

tokenizer = dict(type=CLIPTokenizer)
clip_mean_bgr = (104, 117, 123)  # 0 after normalisation
train_pipeline = [
    dict(type=LoadImage, bad_image='skip'),
    dict(type=LoadGroundingAnnotations),
    dict(type=LoadGraspAnnotations),
    dict(type=RandomTurnZoom, turn=False, zoom=(1.0, 1.0)),  # does nothing; the paper names no augmentation
    dict(type=Letterbox, size=224, interpolation='bicubic', pad_value=clip_mean_bgr),
    dict(type=EncodeGraspMaps, center_ratio=1 / 3, quality_sigma=0.0, width_norm=208.0, smooth_width=False),
    dict(type=CleanText, reader='raw', empty='skip'),
    dict(type=Tokenize, tokenizer=tokenizer, max_length=77),
    dict(type=PackGroundingInputs),
]
test_pipeline = [
    dict(type=LoadImage),
    dict(type=Letterbox, size=224, interpolation='bicubic', pad_value=clip_mean_bgr),
    dict(type=LoadGroundingAnnotations),  # after Letterbox: the ground truth stays in original pixels
    dict(type=LoadGraspAnnotations),
    dict(type=CleanText, reader='raw', empty='keep'),
    dict(type=Tokenize, tokenizer=tokenizer, max_length=77),
    dict(type=PackGroundingInputs),
]
data = dict(type=GraspAnythingDataset, data_root='data/grasp-anything', mode='tolerant')
train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type=DefaultSampler, shuffle=True),
    dataset=dict(data, split='train', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type=DefaultSampler, shuffle=False),
    dataset=dict(data, split='test', test_mode=True, pipeline=test_pipeline),
)
test_dataloader = dict(val_dataloader, dataset=dict(data, split='test', test_mode=True, pipeline=test_pipeline))
val_evaluator = [dict(type=GraspSuccessMetric), dict(type=RESMetric)]
test_evaluator = [dict(type=GraspSuccessMetric), dict(type=RESMetric)]
