"""Weights: reading and writing files, checking that they fit a model, and converting those of other repositories."""

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
