"""MM-Grounding-DINO (arXiv:2401.02361), Swin-T, of transformers.

To fetch the folder: hf download openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_grit_v3det
    --local-dir data/weights/mm_grounding_dino_tiny_o365v1_goldg_grit_v3det

The weights are under Apache-2.0.
"""

from mmengine.config import read_base

from mmvg.models import adapters
from mmvg.models.postprocess import ProposalPostprocess

with read_base():
    from ..pipelines.whole import *

model_folder = 'data/weights/mm_grounding_dino_tiny_o365v1_goldg_grit_v3det'
prompt = dict(template='{text}.', lower=True, drop='.?')  # a full stop ends a phrase, and a question mark too
token_rule = 'max'  # a sentence counts as its best token, as in all published numbers; or 'mean' of its words
box_rule = 'best_scored'  # one target: the best box is the answer, whatever its score
score_thr = 0.0
dtype = 'float32'  # or 'bfloat16', 'float16'

model = dict(
    type=adapters.ForeignGrounder,
    data_preprocessor=dict(type=adapters.PicturePreprocessor),
    library=dict(
        type=adapters.ZeroShotDetector,
        folder='${model_folder}',
        source='openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_grit_v3det',
        prompt='${prompt}',
        token_rule='${token_rule}',
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
