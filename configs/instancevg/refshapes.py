"""InstanceVG in small, from scratch on RefShapes in the format of gRefCOCO: the model of `make train`.

Every part of the paper's model, narrow and at 128 x 128 pixels. A convolutional stem and an auxiliary mask head stand
in for pre-training, NMS for a longer one. The schedule is for batches of 64: four processes of one thread with 16 each,
``tools/dist_train.sh configs/instancevg/refshapes.py 4``, or one process with all of them, ``--amp --cfg-options
train_batch_size=64``, which takes less work where the processor has instructions for bfloat16.
"""

from mmengine.config import read_base

from mmvg.evaluation.metrics import CoverAcc
from mmvg.models.heads import AuxiliaryMaskHead

with read_base():
    from .._base_.datasets.refshapes_grefcoco import *
    from .._base_.models.instancevg_base import *
    from .._base_.models.small_beit3 import *
    from .._base_.schedules.small import *

iterations = 1470
size = 128
max_length = 14

model.backbone.update(small_backbone)
model.neck.query_generator.update(num_heads=4, ffn_channels=96, dropout=0.0)
model.neck.query_decoder.update(
    num_layers=2,
    num_heads=4,
    ffn_channels=192,
    dropout=0.0,
    offset_bias=-4.0,  # reference points start on their points, not half an image right and below of them
)
model.head.detection_loss.cls_weight = 4.0
model.head.no_target_loss.loss_weight = 0.4
model.head.minimap_loss.update(loss_weight=0.3, attention_input='prob')
model.head.postprocess.update(score_thr=0.6, nms_thr=0.5)
model.aux_heads = dict(coarse=dict(type=AuxiliaryMaskHead, in_channels='${channels}', level=2, loss_weight=2.0))

grec_metric.score_thr = 0.6
gres_metric.score_thr = 0.6
evaluator = ['${grec_metric}', '${gres_metric}', dict(type=CoverAcc, resolution='${frame}')]
