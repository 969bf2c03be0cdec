from mmvg.models.features import GroundingFeatures
from mmvg.models.grounders import Grounder
from mmvg.models.preprocessor import GroundingPreprocessor

__all__ = ['Grounder', 'GroundingFeatures', 'GroundingPreprocessor']
