"""SimVG in small, from scratch on RefShapes in the format of gRefCOCO: boxes, several targets and none.

Every part of the paper's model, narrow and at 128 x 128 pixels in patches of 16. A convolutional stem and an auxiliary
mask head stand in for pre-training. The schedule is for batches of 64, as that of configs/instancevg/refshapes.py.
"""

from mmengine.config import read_base

from mmvg.models.backbones import ConvStem
from mmvg.models.heads import AuxiliaryMaskHead

with read_base():
    from .._base_.datasets.refshapes_grefcoco import *
    from .._base_.models.simvg_base import *
    from .._base_.schedules.small import *

iterations = 1200
size = 128
max_length = 14

encoder_channels = 128
channels = 48
num_queries = 10
score_thr = 0.6
with_mask = True  # the auxiliary head learns from them
model.backbone.update(
    patch_size=16,
    num_layers=4,
    num_heads=4,
    vocab_size=128,
    max_text_positions=32,
    drop_path_rate=0.0,
    position_std=0.1,
    weight_std=0.15,  # cut at one standard deviation, this leaves 0.08, about 1 / sqrt(128)
    patch_embed=dict(type=ConvStem, channels=(24, 48, 96, '${encoder_channels}')),
    checkpoint=None,
)
model.neck.query_generator.update(num_heads=4, ffn_channels=96, dropout=0.0)
model.head.decoder.update(num_heads=4, ffn_channels=192, dropout=0.0)
model.head.size_bias = -2.0  # boxes start small, as most of them are
model.head.postprocess.nms_thr = 0.5
model.aux_heads = dict(coarse=dict(type=AuxiliaryMaskHead, in_channels='${channels}', loss_weight=2.0))

grec_metric.score_thr = '${score_thr}'
evaluator = ['${grec_metric}']
