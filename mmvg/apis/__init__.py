"""For users: load a config, train, evaluate, answer. Importing it loads neither torch nor a model."""

from typing import TYPE_CHECKING

from mmvg.apis.command_line import run_command
from mmvg.apis.model_index import find_model, list_models, model_index
from mmvg.apis.run import evaluate, load_config, train, use_amp

if TYPE_CHECKING:
    from mmvg.apis.answer_records import answer_record, describe_answer, save_answers
    from mmvg.apis.grasp import GraspPose, PinholeCamera, grasp_poses
    from mmvg.apis.grasp_messages import detection_array, pose_stamped
    from mmvg.apis.images import list_images, read_image
    from mmvg.apis.inferencer import GroundingInferencer
    from mmvg.apis.video import FrameSource, answer_video

__all__ = [
    'FrameSource',
    'GraspPose',
    'GroundingInferencer',
    'PinholeCamera',
    'answer_record',
    'answer_video',
    'describe_answer',
    'detection_array',
    'evaluate',
    'find_model',
    'grasp_poses',
    'list_images',
    'list_models',
    'load_config',
    'model_index',
    'pose_stamped',
    'read_image',
    'run_command',
    'save_answers',
    'train',
    'use_amp',
]

_LAZY = {
    'FrameSource': 'mmvg.apis.video',
    'GraspPose': 'mmvg.apis.grasp',
    'GroundingInferencer': 'mmvg.apis.inferencer',
    'answer_record': 'mmvg.apis.answer_records',
    'answer_video': 'mmvg.apis.video',
    'PinholeCamera': 'mmvg.apis.grasp',
    'describe_answer': 'mmvg.apis.answer_records',
    'detection_array': 'mmvg.apis.grasp_messages',
    'grasp_poses': 'mmvg.apis.grasp',
    'pose_stamped': 'mmvg.apis.grasp_messages',
    'save_answers': 'mmvg.apis.answer_records',
    'list_images': 'mmvg.apis.images',
    'read_image': 'mmvg.apis.images',
}


def __getattr__(name: str):
    if name not in _LAZY:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
