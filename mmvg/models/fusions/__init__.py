"""What happens between image and text after a stage of a :class:`mmvg.models.backbones.StagedEncoder`."""

from .cross_modal_alignment_fusion import CrossModalAlignmentFusion
from .pixel_word_fusion import PixelWordFusion
from .region_aware_fusion import RegionAwareFusion

__all__ = ['CrossModalAlignmentFusion', 'PixelWordFusion', 'RegionAwareFusion']
