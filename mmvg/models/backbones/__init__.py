"""Image, text and joint image-text encoders."""

from .beit3 import BEiT3, ConvStem
from .clip_dual import CLIPDualEncoder
from .clip_resnet import CLIPResNet
from .vilt import ViLTEncoder

__all__ = ['BEiT3', 'CLIPDualEncoder', 'CLIPResNet', 'ConvStem', 'ViLTEncoder']
