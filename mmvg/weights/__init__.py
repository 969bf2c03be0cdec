"""Weights: read and write files, check that they fit a model, convert those of other repositories.

Nothing in a file is executed, nothing is downloaded, and nothing that does not fit is passed over.
"""

from mmvg.weights.checkpoint import (
    find_state_dict,
    load_checkpoint_file,
    load_state_dict,
    load_state_dict_file,
    load_weights,
    save_weights,
    use_safe_checkpoint_loading,
)
from mmvg.weights.errors import CheckpointError
from mmvg.weights.model_folder import read_model_folder
from mmvg.weights.model_folder_writer import write_model_folder

__all__ = [
    'CheckpointError',
    'find_state_dict',
    'load_checkpoint_file',
    'load_state_dict',
    'load_state_dict_file',
    'load_weights',
    'read_model_folder',
    'save_weights',
    'use_safe_checkpoint_loading',
    'write_model_folder',
]
