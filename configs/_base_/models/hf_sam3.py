"""SAM 3 (arXiv:2511.16719) of transformers.

To fetch the folder: hf download facebook/sam3
    --local-dir data/weights/sam3

The weights are under the SAM License; the download needs an account that has accepted it.
"""

from mmengine.config import read_base

from mmvg.models import adapters
from mmvg.models.postprocess import ProposalPostprocess

with read_base():
    from ..pipelines.whole import *

model_folder = 'data/weights/sam3'
prompt = dict(template='{text}')  # 32 tokens at most
box_rule = 'best_scored'  # one target: the best box is the answer, whatever its score
score_thr = 0.0
dtype = 'float32'  # or 'bfloat16', 'float16'

model = dict(
    type=adapters.ForeignGrounder,
    data_preprocessor=dict(type=adapters.PicturePreprocessor),
    library=dict(
        type=adapters.SAM3,
        folder='${model_folder}',
        source='facebook/sam3',
        prompt='${prompt}',
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
            mask_thr=0.5,
            max_candidates=50,
        ),
    ),
)
