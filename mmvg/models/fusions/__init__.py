"""What happens between image and text after a stage of a :class:`mmvg.models.backbones.StagedEncoder`."""

from .pixel_word_fusion import PixelWordFusion

__all__ = ['PixelWordFusion']
