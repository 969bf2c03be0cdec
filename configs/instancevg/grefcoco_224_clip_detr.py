"""Table 17 of InstanceVG: CLIP ViT-B/16 and a 3-layer fusion transformer with a DETR decoder; the paper: F1 59.33."""

from mmengine.config import read_base

from mmvg.datasets.tokenizers import CLIPTokenizer
from mmvg.models.backbones import CLIPDualEncoder

with read_base():
    from .grefcoco_224_detr import *

encoder_channels = 512
model.backbone = dict(type=CLIPDualEncoder, img_size='${size}', checkpoint='data/weights/ViT-B-16.pt')
image_mean = [122.771, 116.746, 104.094]
image_std = [68.501, 66.632, 70.323]
tokenizer = dict(type=CLIPTokenizer)
# the baseline has one mask, of the whole expression
model.head.mask_loss.update(positive_weight=0.0, negative_weight=0.0)
model.head.postprocess.mask_output = 'global'
