from .feature_projection import FeatureProjection
from .instance_query_generator import InstanceQueryGenerator
from .point_prior_decoder import PointPriorDecoder
from .sim_fpn import SimFPN
from .unet_decoder import UNetDecoder

__all__ = ['FeatureProjection', 'InstanceQueryGenerator', 'PointPriorDecoder', 'SimFPN', 'UNetDecoder']
