"""EEVG in small, REC and RES together from scratch on RefShapes in the format of RefCOCO.

Every part of the paper's model, narrow and at 96 x 96 pixels. A convolutional stem and an auxiliary mask head stand in
for pre-training. The schedule is for batches of 64.
"""

from mmengine.config import read_base

from mmvg.models.heads import AuxiliaryMaskHead

with read_base():
    from .._base_.models.eevg_vit_base import *
    from .._base_.models.small_vit_bert import *
    from .._base_.datasets.refshapes_refcoco import *
    from .._base_.schedules.small import *

iterations = 700
size = 96
patch_size = 8
max_length = 14
channels = 96
model.backbone.image.update(small_image, num_layers=3, window=6, global_blocks=(2,))
model.backbone.text.update(small_text)
model.neck.decoder.update(num_heads=4, ffn_channels=192, dropout=0.0, position_std=0.5)
model.neck.decoder.elimination.threshold = 0.0015  # of 144 cells few are background alone; the authors' second value
model.head.box_loss.loss_weight = 1.0
model.aux_heads = dict(coarse=dict(type=AuxiliaryMaskHead, in_channels='${channels}', loss_weight=1.0))

optim_wrapper.paramwise_cfg = dict(norm_decay_mult=0.0, bias_decay_mult=0.0)
