"""SimVG in small, from scratch on RefShapes in the format of gRefCOCO: boxes, several targets and none.

Every part of the paper's model, narrow and at 128 x 128 pixels in patches of 16. A convolutional stem and an auxiliary
mask head stand in for pre-training. The schedule is for batches of 64, as that of configs/instancevg/refshapes.py.
"""

from mmengine.config import read_base

from mmvg.models.heads import AuxiliaryMaskHead

with read_base():
    from .._base_.datasets.refshapes_grefcoco import *
    from .._base_.models.simvg_base import *
    from .._base_.models.small_beit3 import *
    from .._base_.schedules.small import *

iterations = 1200
size = 128
max_length = 14

num_queries = 10
score_thr = 0.6
with_mask = True  # the auxiliary head learns from them
model.backbone.update(small_backbone)
model.neck.query_generator.update(num_heads=4, ffn_channels=96, dropout=0.0)
model.head.decoder.update(num_heads=4, ffn_channels=192, dropout=0.0)
model.head.size_bias = -2.0  # boxes start small, as most of them are
model.head.postprocess.nms_thr = 0.5
model.aux_heads = dict(coarse=dict(type=AuxiliaryMaskHead, in_channels='${channels}', loss_weight=2.0))

grec_metric.score_thr = '${score_thr}'
evaluator = ['${grec_metric}']
