"""Qwen3-VL (arXiv:2511.21631) of transformers on gRefCOCO: all boxes that it names."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grefcoco import *
    from .._base_.models.hf_qwen3_vl import *
    from .._base_.runtime import *

question = 'Locate every object in the image that is meant by "{text}", output the bbox coordinates in JSON format. '
prompt = dict(template=question + 'If there is none, output [].')
box_rule = 'all'
score_thr = 0.0
grec_metric.update(score_thr='${score_thr}', comparison='>')
evaluator = ['${grec_metric}']
