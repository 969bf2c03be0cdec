"""Florence-2 (arXiv:2311.06242) of transformers on RefCOCO, drawing what is meant; the model card: val mIoU 80.5."""

from mmengine.config import read_base

from mmvg.evaluation.metrics import RESMetric

with read_base():
    from .florence2_refcoco import *

prompt.template = '<REFERRING_EXPRESSION_SEGMENTATION>{text}'
text_format = 'florence2_polygons'
max_new_tokens = 1024
evaluator = [*evaluator, dict(type=RESMetric, resolution='${frame}')]
