"""OCID-VLG, letterboxed to 224 x 224, 77 tokens of CLIP.

Other versions: ``--cfg-options test_dataloader.dataset.version=novel-classes``, for each loader. No flips: half of the
sentences say left and right. ``mmdet.datasets.transforms.PhotoMetricDistortion`` before the letterbox jitters colours.
"""

from mmengine.dataset import DefaultSampler

from mmvg.datasets import OCIDVLGDataset
from mmvg.datasets.tokenizers import CLIPTokenizer
from mmvg.datasets.transforms import (
    CleanText,
    EncodeGraspMaps,
    Letterbox,
    LoadGraspAnnotations,
    LoadGroundingAnnotations,
    LoadImage,
    PackGroundingInputs,
    Tokenize,
)
from mmvg.evaluation.metrics import GraspMetric, RESMetric

tokenizer = dict(type=CLIPTokenizer)
clip_mean_bgr = (104, 117, 123)  # BGR: 0 after normalisation
train_pipeline = [
    dict(type=LoadImage, bad_image='skip'),
    dict(type=LoadGroundingAnnotations),
    dict(type=LoadGraspAnnotations),
    dict(type=Letterbox, size=224, interpolation='bicubic', pad_value=clip_mean_bgr),
    dict(type=EncodeGraspMaps, center_ratio=0.5, quality_sigma=3.0, width_norm=100.0, smooth_width=True),
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
data = dict(type=OCIDVLGDataset, version='multiple', data_root='data/OCID-VLG', mode='tolerant')
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
    dataset=dict(data, split='val', test_mode=True, pipeline=test_pipeline),
)
test_dataloader = dict(val_dataloader, dataset=dict(data, split='test', test_mode=True, pipeline=test_pipeline))
val_evaluator = [dict(type=GraspMetric), dict(type=RESMetric)]
test_evaluator = [dict(type=GraspMetric), dict(type=RESMetric)]
