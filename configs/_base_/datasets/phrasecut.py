"""PhraseCut, letterboxed to 416 x 416 as CRIS does, 22 tokens of CLIP; the paper reports test.

Other splits: ``--cfg-options test_dataloader.dataset.split=val_miniv``.
"""

from mmengine.dataset import DefaultSampler

from mmvg.datasets import PhraseCutDataset
from mmvg.datasets.tokenizers import CLIPTokenizer
from mmvg.datasets.transforms import (
    CleanText,
    Letterbox,
    LoadGroundingAnnotations,
    LoadImage,
    PackGroundingInputs,
    Tokenize,
)
from mmvg.evaluation.metrics import PhraseCutMetric

tokenizer = dict(type=CLIPTokenizer)
clip_mean = (104, 117, 123)  # BGR: 0 after normalisation
train_pipeline = [
    dict(type=LoadImage, bad_image='skip'),
    dict(type=LoadGroundingAnnotations),
    dict(type=Letterbox, size=416, interpolation='bicubic', pad_value=clip_mean),
    dict(type=CleanText, reader='sent', empty='skip'),
    dict(type=Tokenize, tokenizer=tokenizer, max_length=22),
    dict(type=PackGroundingInputs),
]
test_pipeline = [
    dict(type=LoadImage),
    dict(type=Letterbox, size=416, interpolation='bicubic', pad_value=clip_mean),
    dict(type=LoadGroundingAnnotations),  # after Letterbox: the ground truth stays in original pixels
    dict(type=CleanText, reader='sent', empty='keep'),
    dict(type=Tokenize, tokenizer=tokenizer, max_length=22),
    dict(type=PackGroundingInputs),
]
data = dict(type=PhraseCutDataset, data_root='data', mode='tolerant')
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
val_evaluator = [dict(type=PhraseCutMetric)]
test_evaluator = [dict(type=PhraseCutMetric)]
