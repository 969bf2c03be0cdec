"""For users: load a config, train, evaluate, answer. Each name is imported when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmvg.apis.answer_records import answer_record, describe_answer, save_answers
    from mmvg.apis.command_line import run_command
    from mmvg.apis.drawn_scene import Question, draw_scene_with_questions
    from mmvg.apis.exported_inferencer import ExportedInferencer
    from mmvg.apis.grasp import GraspPose, grasp_poses
    from mmvg.apis.grasp_input import GraspInputWarning, PinholeCamera
    from mmvg.apis.grasp_messages import detection_array, pose_stamped
    from mmvg.apis.images import list_images, read_image
    from mmvg.apis.inferencer import GroundingInferencer
    from mmvg.apis.model_index import find_model, list_models, pretrained_models
    from mmvg.apis.modes import Modes, use_adapters, use_amp, use_amp_in_tests
    from mmvg.apis.run import evaluate, load_config, train
    from mmvg.apis.video import FrameSource, answer_video

__all__ = [
    'ExportedInferencer',
    'FrameSource',
    'GraspInputWarning',
    'GraspPose',
    'GroundingInferencer',
    'Modes',
    'PinholeCamera',
    'Question',
    'answer_record',
    'answer_video',
    'describe_answer',
    'detection_array',
    'draw_scene_with_questions',
    'evaluate',
    'find_model',
    'grasp_poses',
    'list_images',
    'list_models',
    'load_config',
    'pose_stamped',
    'pretrained_models',
    'read_image',
    'run_command',
    'save_answers',
    'train',
    'use_adapters',
    'use_amp',
    'use_amp_in_tests',
]

_LAZY = {
    'ExportedInferencer': 'mmvg.apis.exported_inferencer',
    'FrameSource': 'mmvg.apis.video',
    'Question': 'mmvg.apis.drawn_scene',
    'draw_scene_with_questions': 'mmvg.apis.drawn_scene',
    'GraspInputWarning': 'mmvg.apis.grasp_input',
    'GraspPose': 'mmvg.apis.grasp',
    'GroundingInferencer': 'mmvg.apis.inferencer',
    'Modes': 'mmvg.apis.modes',
    'PinholeCamera': 'mmvg.apis.grasp_input',
    'answer_record': 'mmvg.apis.answer_records',
    'answer_video': 'mmvg.apis.video',
    'describe_answer': 'mmvg.apis.answer_records',
    'detection_array': 'mmvg.apis.grasp_messages',
    'evaluate': 'mmvg.apis.run',
    'find_model': 'mmvg.apis.model_index',
    'grasp_poses': 'mmvg.apis.grasp',
    'list_images': 'mmvg.apis.images',
    'list_models': 'mmvg.apis.model_index',
    'load_config': 'mmvg.apis.run',
    'pose_stamped': 'mmvg.apis.grasp_messages',
    'pretrained_models': 'mmvg.apis.model_index',
    'read_image': 'mmvg.apis.images',
    'run_command': 'mmvg.apis.command_line',
    'save_answers': 'mmvg.apis.answer_records',
    'train': 'mmvg.apis.run',
    'use_adapters': 'mmvg.apis.modes',
    'use_amp': 'mmvg.apis.modes',
    'use_amp_in_tests': 'mmvg.apis.modes',
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    try:
        return getattr(import_module(_LAZY[name]), name)
    except ModuleNotFoundError as error:
        # without PyTorch, exported models still answer; for others the error says what to install
        if name == 'GroundingInferencer' and error.name in ('torch', 'mmengine'):
            return __getattr__('ExportedInferencer')
        raise
