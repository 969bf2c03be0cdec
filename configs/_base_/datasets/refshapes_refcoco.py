"""RefShapes in the format of RefCOCO; other splits: ``--cfg-options test_dataloader.dataset.split=testB``."""

from mmdet.datasets.transforms import Resize
from mmengine.dataset import DefaultSampler

from mmvg.datasets import RefCOCODataset
from mmvg.datasets.tokenizers import WordTokenizer
from mmvg.datasets.transforms import CleanText, LoadGroundingAnnotations, LoadImage, PackGroundingInputs, Tokenize
from mmvg.evaluation.metrics import RECMetric, RESMetric

tokenizer = dict(type=WordTokenizer, vocab_file='data/refshapes/vocab.txt')
train_pipeline = [
    dict(type=LoadImage, bad_image='skip'),
    dict(type=LoadGroundingAnnotations),
    dict(type=Resize, scale=(320, 320), keep_ratio=False),
    dict(type=CleanText, reader='instancevg', empty='skip'),
    dict(type=Tokenize, tokenizer=tokenizer, max_length=20),
    dict(type=PackGroundingInputs),
]
test_pipeline = [
    dict(type=LoadImage),
    dict(type=Resize, scale=(320, 320), keep_ratio=False),
    dict(type=LoadGroundingAnnotations),  # after Resize: the ground truth stays in original pixels
    dict(type=CleanText, reader='instancevg', empty='keep'),
    dict(type=Tokenize, tokenizer=tokenizer, max_length=20),
    dict(type=PackGroundingInputs),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type=DefaultSampler, shuffle=True),
    dataset=dict(
        type=RefCOCODataset,
        dataset='refcoco',
        data_root='data/refshapes',
        split='train',
        sentence_mode='random',
        mode='tolerant',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type=DefaultSampler, shuffle=False),
    dataset=dict(
        type=RefCOCODataset,
        dataset='refcoco',
        data_root='data/refshapes',
        split='val',
        mode='tolerant',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(val_dataloader, dataset=dict(val_dataloader['dataset']))
val_evaluator = [dict(type=RECMetric), dict(type=RESMetric)]
test_evaluator = [dict(type=RECMetric), dict(type=RESMetric)]
