"""Image, text and joint image-text encoders."""

from .beit3 import BEiT3, ConvStem
from .bert import BertTextEncoder
from .clip_dual import CLIPDualEncoder
from .clip_resnet import CLIPResNet
from .conv_text_encoder import ConvTextEncoder
from .staged_encoder import StagedEncoder, StageOutput
from .swin_stages import SwinStages
from .vilt import ViLTEncoder
from .vit_stages import ViTStages

__all__ = [
    'BEiT3',
    'BertTextEncoder',
    'CLIPDualEncoder',
    'CLIPResNet',
    'ConvStem',
    'ConvTextEncoder',
    'StageOutput',
    'StagedEncoder',
    'SwinStages',
    'ViLTEncoder',
    'ViTStages',
]
