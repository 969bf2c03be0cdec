"""Qwen2.5-VL (arXiv:2502.13923), 7B, of transformers.

To fetch the folder: hf download Qwen/Qwen2.5-VL-7B-Instruct
    --local-dir data/weights/Qwen2.5-VL-7B-Instruct

The weights are under Apache-2.0 (those of 3B and 72B are not).
"""

from mmengine.config import read_base

from mmvg.models import adapters
from mmvg.models.postprocess import ProposalPostprocess

with read_base():
    from ..pipelines.whole import *

model_folder = 'data/weights/Qwen2.5-VL-7B-Instruct'
prompt = dict(template='Locate {text} in the image, output its bbox coordinates in JSON format.')
max_new_tokens = 128
scores = 'one'  # of each box; 'likelihood': of the tokens that were written
box_rule = 'first'  # the box that is named first is the answer
score_thr = 0.0
dtype = 'bfloat16'  # as the weights are stored; or 'float32', 'float16'

model = dict(
    type=adapters.ForeignGrounder,
    data_preprocessor=dict(type=adapters.PicturePreprocessor),
    library=dict(
        type=adapters.VisionLanguageModel,
        folder='${model_folder}',
        source='Qwen/Qwen2.5-VL-7B-Instruct',
        text_format='json',
        prompt='${prompt}',
        scores='${scores}',
        max_new_tokens='${max_new_tokens}',
        dtype='${dtype}',
    ),
    head=dict(
        type=adapters.ProposalHead,
        postprocess=dict(
            type=ProposalPostprocess,
            unit='pixel',
            box_frame='resized',
            box_rule='${box_rule}',
            score_thr='${score_thr}',
        ),
    ),
)
