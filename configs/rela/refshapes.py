"""ReLA in small, from scratch on RefShapes in the format of gRefCOCO.

Every part of the model, narrow and at 96 x 96 pixels. A convolutional stem, a dice loss and auxiliary mask heads on two
maps of the pixel decoder stand in for pre-training. The schedule is for batches of 64, as that of
configs/lavt/refshapes.py.
"""

from mmengine.config import read_base

from mmvg.models.heads import AuxiliaryMaskHead

with read_base():
    from .._base_.models.rela_swin_base import *
    from .._base_.models.small_swin_bert import *
    from .._base_.datasets.refshapes_grefcoco import *
    from .._base_.schedules.small import *

iterations = 850
size = 96
max_length = 14

model.frozen = ()
model.data_preprocessor.trim_text = True
model.backbone.image.update(small_image)
model.backbone.text.update(small_text)
model.neck.decoder.update(num_layers=1, num_heads=4, ffn_channels=128, norm_groups=8)
model.head.decoder.update(num_layers=3, num_heads=4, ffn_channels=128, reads_padding=False)
model.head.mask_loss.update(bce_weight=1.0, dice_weight=1.0)
model.head.minimap_loss.update(loss_weight=0.1, target='area')  # few cells have their middle in a small shape
model.head.no_target_loss.loss_weight = 0.1
model.aux_heads = dict(
    middle=dict(type=AuxiliaryMaskHead, in_channels='${channels}', level=0, loss_weight=0.5),
    coarse=dict(type=AuxiliaryMaskHead, in_channels='${channels}', level=1, loss_weight=1.0),
)

evaluator = ['${gres_metric}']
