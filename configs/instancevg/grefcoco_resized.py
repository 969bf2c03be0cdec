"""grefcoco.py, scored as the authors score: at 320 x 320, ground truth and predictions in input pixels."""

from mmengine.config import read_base

from mmvg.datasets.transforms import CleanText, LoadGroundingAnnotations, LoadImage, PackGroundingInputs

with read_base():
    from .grefcoco import *

model.head.postprocess.frame = 'input'
test_pipeline = [
    dict(type=LoadImage),
    dict(type=LoadGroundingAnnotations),  # before Resize, which then moves the ground truth
    '${resize}',
    dict(type=CleanText, reader='${reader}', empty='keep'),
    '${tokenize}',
    dict(type=PackGroundingInputs),
]
grec_metric.resolution = 'resized'
gres_metric.resolution = 'resized'
cover_metric.resolution = 'resized'
