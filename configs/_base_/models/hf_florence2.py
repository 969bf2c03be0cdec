"""Florence-2 (arXiv:2311.06242), large, fine-tuned, of transformers.

To fetch the folder: hf download florence-community/Florence-2-large-ft
    --local-dir data/weights/Florence-2-large-ft

The weights are under the MIT licence. Those of microsoft/ have other names, which transformers does not read.
"""

from mmengine.config import read_base

from mmvg.models import adapters
from mmvg.models.postprocess import ProposalPostprocess

with read_base():
    from ..pipelines.whole import *

model_folder = 'data/weights/Florence-2-large-ft'
text_format = 'florence2'
prompt = dict(template='<CAPTION_TO_PHRASE_GROUNDING>{text}')
max_new_tokens = 128
num_beams = 3  # as the authors' examples
scores = 'one'  # of each box; 'likelihood': of the tokens that were written
box_rule = 'first'  # the box that is named first is the answer
score_thr = 0.0
dtype = 'float32'  # or 'bfloat16', 'float16'

model = dict(
    type=adapters.ForeignGrounder,
    data_preprocessor=dict(type=adapters.PicturePreprocessor),
    library=dict(
        type=adapters.VisionLanguageModel,
        folder='${model_folder}',
        source='florence-community/Florence-2-large-ft',
        text_format='${text_format}',
        prompt='${prompt}',
        chat=False,
        scores='${scores}',
        max_new_tokens='${max_new_tokens}',
        num_beams='${num_beams}',
        dtype='${dtype}',
    ),
    head=dict(
        type=adapters.ProposalHead,
        postprocess=dict(
            type=ProposalPostprocess,
            unit='fraction',
            box_frame='original',
            box_rule='${box_rule}',
            score_thr='${score_thr}',
        ),
    ),
)
