"""MM-Grounding-DINO (arXiv:2401.02361), Swin-T, of mmdetection, trained on Objects365, GoldG, GRIT and V3Det.

Weights: the file that mmdetection's configs/mm_grounding_dino/metafile.yml names, and a folder of BERT, to be fetched
by: hf download google-bert/bert-base-uncased --local-dir data/weights/bert-base-uncased. Both are under Apache-2.0.
"""

from mmengine.config import read_base

from mmvg.models import adapters
from mmvg.models.postprocess import ProposalPostprocess

with read_base():
    from ..pipelines.whole import *

mmdet_config = 'mm_grounding_dino/grounding_dino_swin-t_pretrain_obj365_goldg_grit9m_v3det.py'
checkpoint = 'data/weights/grounding_dino_swin-t_pretrain_obj365_goldg_grit9m_v3det_20231204_095047-b448804b.pth'
bert_folder = 'data/weights/bert-base-uncased'
prompt = dict(template='{text}.', lower=True, drop='.?')  # a full stop ends a phrase, and a question mark too
token_rule = 'max'  # a sentence counts as its best token, as in all published numbers; or 'mean' of its words
box_rule = 'best_scored'  # one target: the best box is the answer, whatever its score
score_thr = 0.0
dtype = 'float32'  # or 'bfloat16', 'float16'
detector = None  # what differs from mmdet_config

model = dict(
    type=adapters.ForeignGrounder,
    data_preprocessor=dict(type=adapters.PicturePreprocessor),
    library=dict(
        type=adapters.MMDetGroundingDINO,
        config='${mmdet_config}',
        checkpoint='${checkpoint}',
        bert_folder='${bert_folder}',
        prompt='${prompt}',
        token_rule='${token_rule}',
        dtype='${dtype}',
        detector='${detector}',
    ),
    head=dict(
        type=adapters.ProposalHead,
        postprocess=dict(
            type=ProposalPostprocess,
            unit='pixel',
            box_frame='original',
            box_rule='${box_rule}',
            score_thr='${score_thr}',
        ),
    ),
)
