"""Table 17 of InstanceVG: ViLT-B/32 with a DETR decoder; the paper: F1 64.88."""

from mmengine.config import read_base

from mmvg.datasets.tokenizers import BertTokenizer
from mmvg.models.backbones import ViLTEncoder

with read_base():
    from .grefcoco_224_detr import *

vilt = 'data/weights/vilt-b32-mlm'
model.backbone = dict(type=ViLTEncoder, img_size='${size}', checkpoint='${vilt}')
image_mean = [127.5, 127.5, 127.5]
image_std = [127.5, 127.5, 127.5]
tokenizer = dict(type=BertTokenizer, vocab='${vilt}')
max_length = 40
# the baseline has one mask, of the whole expression
model.head.mask_loss.update(positive_weight=0.0, negative_weight=0.0)
model.head.postprocess.mask_output = 'global'
