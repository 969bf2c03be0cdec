"""Grounders and their parts; importing this package registers all of them."""

from mmvg.models import backbones, fusions, heads, losses, necks, postprocess
from mmvg.models.features import GroundingFeatures, TextEncoder
from mmvg.models.grounders import Grounder
from mmvg.models.preprocessor import GroundingPreprocessor

__all__ = [
    'Grounder',
    'GroundingFeatures',
    'GroundingPreprocessor',
    'TextEncoder',
    'backbones',
    'fusions',
    'heads',
    'losses',
    'necks',
    'postprocess',
]
