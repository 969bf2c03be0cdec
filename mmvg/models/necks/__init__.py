from .cris_neck import CRISNeck
from .dcvlf import DCVLF
from .decode_head_neck import DecodeHeadNeck
from .deformable_pixel_decoder import DeformablePixelDecoder
from .detr_decoder import DETRDecoder
from .feature_projection import FeatureProjection
from .instance_query_generator import InstanceQueryGenerator
from .language_upsampling import LanguageUpsampling
from .learned_queries import LearnedQueries
from .point_prior_decoder import PointPriorDecoder
from .region_modulation import RegionModulation
from .sim_fpn import SimFPN
from .top_down_decoder import TopDownDecoder
from .unet_decoder import UNetDecoder
from .vision_language_decoder import VisionLanguageDecoder

__all__ = [
    'DCVLF',
    'CRISNeck',
    'DETRDecoder',
    'DecodeHeadNeck',
    'DeformablePixelDecoder',
    'FeatureProjection',
    'InstanceQueryGenerator',
    'LanguageUpsampling',
    'LearnedQueries',
    'PointPriorDecoder',
    'RegionModulation',
    'SimFPN',
    'TopDownDecoder',
    'UNetDecoder',
    'VisionLanguageDecoder',
]
