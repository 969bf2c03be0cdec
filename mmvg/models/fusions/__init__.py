"""Fusions: where image and text meet, whatever a paper calls it.

Two kinds. Between the stages of two encoders, run by :class:`mmvg.models.backbones.StagedEncoder`:
:class:`PixelWordFusion` (LAVT), :class:`CrossModalAlignmentFusion` (MagNet), :class:`PyramidWordFusion` (its released
code), :class:`RegionAwareFusion` (RaAM-RVG).
Behind the encoders, as a part of ``neck``: all the others.
"""

from .cross_modal_alignment_fusion import CrossModalAlignmentFusion
from .dual_cross_attention_fusion import DualCrossAttentionFusion
from .language_attention_fusion import LanguageAttentionFusion
from .language_decoder import LanguageDecoder
from .language_guided_upsampling import LanguageGuidedUpsampling
from .pixel_word_attention import PixelWordAttention, TanhGate
from .pixel_word_fusion import PixelWordFusion
from .pyramid_word_fusion import PyramidWordFusion
from .region_anchoring import RegionAnchoring
from .region_aware_fusion import RegionAwareFusion
from .region_modulation import RegionModulation
from .sentence_gated_fpn import SentenceGatedFPN
from .sentence_upsampling import SentenceUpsampling
from .vision_language_decoder import VisionLanguageDecoder

__all__ = [
    'CrossModalAlignmentFusion',
    'DualCrossAttentionFusion',
    'LanguageAttentionFusion',
    'LanguageDecoder',
    'LanguageGuidedUpsampling',
    'PixelWordAttention',
    'PixelWordFusion',
    'PyramidWordFusion',
    'RegionAnchoring',
    'RegionAwareFusion',
    'RegionModulation',
    'SentenceGatedFPN',
    'SentenceUpsampling',
    'TanhGate',
    'VisionLanguageDecoder',
]
