"""RaAM-RVG (ICCV 2025) with Swin-B (window 12) and BERT, 448 x 448, for REC and RES together.

Weights to start from: data/weights/swin_base_patch4_window12_384_22k.pth and data/weights/bert-base-uncased/
(data/README.md says where they come from). The paper leaves Swin to an appendix: what follows is our reading.
"""

from mmengine.config import read_base

from mmvg.models.backbones import SwinStages

with read_base():
    from .raam_vit_base import *

stage_channels = (128, 256, 512, 1024)
region_channels = (256, 512, 1024)
joined_channels = 1536
image_mean = [123.675, 116.28, 103.53]
image_std = [58.395, 57.12, 57.375]
model.backbone.image = dict(
    type=SwinStages, drop_path_rate=0.3, checkpoint='data/weights/swin_base_patch4_window12_384_22k.pth'
)
# at stride 8: stage 2 keeps its detail, stages 3 and 4 are enlarged
model.neck.regions.out_channels = 512
model.head.patch_size = 8
