"""Image, text and joint image-text encoders."""

from .beit3 import BEiT3, ConvStem
from .bert import BertTextEncoder
from .clip_dual import CLIPDualEncoder
from .clip_resnet import CLIPResNet
from .clip_text import CLIPTextEncoder
from .conv_text_encoder import ConvTextEncoder
from .conv_tower import ConvTower
from .image_backbone import ImageBackbone
from .image_stages import ImageStages, map_to_tokens, tokens_to_map
from .staged_encoder import StagedEncoder, StageOutput
from .swin_stages import SwinStages
from .two_tower_encoder import TwoTowerEncoder
from .vilt import ViLTEncoder
from .vit_stages import ViTStages

__all__ = [
    'BEiT3',
    'BertTextEncoder',
    'CLIPDualEncoder',
    'CLIPResNet',
    'CLIPTextEncoder',
    'ConvStem',
    'ConvTextEncoder',
    'ConvTower',
    'ImageBackbone',
    'ImageStages',
    'StageOutput',
    'StagedEncoder',
    'SwinStages',
    'TwoTowerEncoder',
    'ViLTEncoder',
    'ViTStages',
    'map_to_tokens',
    'tokens_to_map',
]
