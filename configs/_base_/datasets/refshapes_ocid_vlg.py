"""RefShapes in the format of OCID-VLG, version ``multiple``; its pictures are a quarter as wide as the real ones."""

from mmengine.dataset import DefaultSampler

from mmvg.datasets import OCIDVLGDataset
from mmvg.datasets.tokenizers import WordTokenizer
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

tokenizer = dict(type=WordTokenizer, vocab_file='data/refshapes/vocab.txt')
train_pipeline = [
    dict(type=LoadImage, bad_image='skip'),
    dict(type=LoadGroundingAnnotations),
    dict(type=LoadGraspAnnotations),
    dict(type=Letterbox, size=(96, 96), pad_value=127),
    dict(type=EncodeGraspMaps, center_ratio=0.5, quality_sigma=1.0, width_norm=60.0, smooth_width=False),
    dict(type=CleanText, reader='instancevg', empty='skip'),
    dict(type=Tokenize, tokenizer=tokenizer, max_length=16),
    dict(type=PackGroundingInputs),
]
test_pipeline = [
    dict(type=LoadImage),
    dict(type=Letterbox, size=(96, 96), pad_value=127),
    dict(type=LoadGroundingAnnotations),  # after Letterbox: the ground truth stays in original pixels
    dict(type=LoadGraspAnnotations),
    dict(type=CleanText, reader='instancevg', empty='keep'),
    dict(type=Tokenize, tokenizer=tokenizer, max_length=16),
    dict(type=PackGroundingInputs),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    persistent_workers=False,
    drop_last=True,
    sampler=dict(type=DefaultSampler, shuffle=True),
    dataset=dict(
        type=OCIDVLGDataset,
        version='multiple',
        split='train',
        data_root='data/refshapes/ocid_vlg',
        mode='tolerant',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type=DefaultSampler, shuffle=False),
    dataset=dict(
        type=OCIDVLGDataset,
        version='multiple',
        split='val',
        data_root='data/refshapes/ocid_vlg',
        mode='tolerant',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(val_dataloader, dataset=dict(val_dataloader['dataset'], split='test'))
val_evaluator = [dict(type=GraspMetric), dict(type=RESMetric)]
test_evaluator = [dict(type=GraspMetric), dict(type=RESMetric)]
