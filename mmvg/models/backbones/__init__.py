"""Image, text and joint image-text encoders."""

from .beit3 import BEiT3, ConvStem

__all__ = ['BEiT3', 'ConvStem']
