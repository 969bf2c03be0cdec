"""Models of other libraries, answering as our own do; see docs/foreign_models.md."""

from mmvg.models.adapters.foreign_grounder import ForeignGrounder, PicturePreprocessor, ProposalHead
from mmvg.models.adapters.foreign_model import ForeignModel, answer_in_groups
from mmvg.models.adapters.hub_folder import check_model_folder
from mmvg.models.adapters.mmdet_grounding_dino import MMDetGroundingDINO
from mmvg.models.adapters.prompt import Prompt
from mmvg.models.adapters.sam3 import SAM3
from mmvg.models.adapters.vision_language_model import VisionLanguageModel
from mmvg.models.adapters.zero_shot_detector import ZeroShotDetector

__all__ = [
    'SAM3',
    'ForeignGrounder',
    'ForeignModel',
    'MMDetGroundingDINO',
    'PicturePreprocessor',
    'Prompt',
    'ProposalHead',
    'VisionLanguageModel',
    'ZeroShotDetector',
    'answer_in_groups',
    'check_model_folder',
]
