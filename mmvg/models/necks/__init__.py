"""Necks between the encoders and the head: feature pyramids, pixel decoders, and what makes and decodes queries."""

from .decode_head_neck import DecodeHeadNeck
from .deformable_pixel_decoder import DeformablePixelDecoder
from .detr_decoder import DETRDecoder
from .feature_projection import FeatureProjection
from .instance_query_generator import InstanceQueryGenerator
from .learned_queries import LearnedQueries
from .point_prior_decoder import PointPriorDecoder
from .simple_fpn import SimpleFPN
from .text_guided_query_generator import TextGuidedQueryGenerator
from .top_down_decoder import TopDownDecoder

__all__ = [
    'DETRDecoder',
    'DecodeHeadNeck',
    'DeformablePixelDecoder',
    'FeatureProjection',
    'InstanceQueryGenerator',
    'LearnedQueries',
    'PointPriorDecoder',
    'SimpleFPN',
    'TextGuidedQueryGenerator',
    'TopDownDecoder',
]
