from .detr_decoder import DETRDecoder
from .feature_projection import FeatureProjection
from .instance_query_generator import InstanceQueryGenerator
from .learned_queries import LearnedQueries
from .point_prior_decoder import PointPriorDecoder
from .sim_fpn import SimFPN
from .unet_decoder import UNetDecoder

__all__ = [
    'DETRDecoder',
    'FeatureProjection',
    'InstanceQueryGenerator',
    'LearnedQueries',
    'PointPriorDecoder',
    'SimFPN',
    'UNetDecoder',
]
