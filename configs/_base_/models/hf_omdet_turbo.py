"""OmDet-Turbo (arXiv:2403.06892), Swin-T, of transformers.

To fetch the folder: hf download omlab/omdet-turbo-swin-tiny-hf
    --local-dir data/weights/omdet-turbo-swin-tiny-hf

The weights are under Apache-2.0.
"""

from mmengine.config import read_base

from mmvg.models import adapters
from mmvg.models.postprocess import ProposalPostprocess

with read_base():
    from ..pipelines.whole import *

model_folder = 'data/weights/omdet-turbo-swin-tiny-hf'
prompt = dict(template='{text}')
task = dict(template='Detect {text}.')
box_rule = 'best_scored'  # one target: the best box is the answer, whatever its score
score_thr = 0.0
dtype = 'float32'  # or 'bfloat16', 'float16'

model = dict(
    type=adapters.ForeignGrounder,
    data_preprocessor=dict(type=adapters.PicturePreprocessor),
    library=dict(
        type=adapters.ZeroShotDetector,
        folder='${model_folder}',
        source='omlab/omdet-turbo-swin-tiny-hf',
        prompt='${prompt}',
        task='${task}',
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
            nms_thr=0.5,
        ),
    ),
)
