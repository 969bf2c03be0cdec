"""Weights: read and write files, check that they fit a model, convert those of other repositories.

Nothing in a file is executed, nothing is downloaded, and nothing that does not fit is passed over.
"""

from mmvg.weights.checkpoint import (
    CheckpointError,
    find_state_dict,
    load_checkpoint_file,
    load_state_dict,
    load_state_dict_file,
    load_weights,
    save_weights,
    use_safe_checkpoint_loading,
)

__all__ = [
    'CheckpointError',
    'find_state_dict',
    'load_checkpoint_file',
    'load_state_dict',
    'load_state_dict_file',
    'load_weights',
    'save_weights',
    'use_safe_checkpoint_loading',
]
