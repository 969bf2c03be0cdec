"""OWLv2 (arXiv:2306.09683), ViT-B/16, of transformers.

To fetch the folder: hf download google/owlv2-base-patch16-ensemble
    --local-dir data/weights/owlv2-base-patch16-ensemble

The weights are under Apache-2.0.
"""

from mmengine.config import read_base

from mmvg.models import adapters
from mmvg.models.postprocess import ProposalPostprocess

with read_base():
    from ..pipelines.whole import *

model_folder = 'data/weights/owlv2-base-patch16-ensemble'
prompt = dict(template='{text}', lower=True)  # 16 tokens at most
box_rule = 'best_scored'  # one target: the best box is the answer, whatever its score
score_thr = 0.0
dtype = 'float32'  # or 'bfloat16', 'float16'

model = dict(
    type=adapters.ForeignGrounder,
    data_preprocessor=dict(type=adapters.PicturePreprocessor),
    library=dict(
        type=adapters.ZeroShotDetector,
        folder='${model_folder}',
        source='google/owlv2-base-patch16-ensemble',
        prompt='${prompt}',
        dtype='${dtype}',
    ),
    head=dict(
        type=adapters.ProposalHead,
        postprocess=dict(
            type=ProposalPostprocess,
            unit='fraction',
            box_frame='padded-corner',
            box_rule='${box_rule}',
            score_thr='${score_thr}',
        ),
    ),
)
