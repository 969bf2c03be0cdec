"""For users: load a config, train, evaluate. Importing it loads neither torch nor a model."""

from mmvg.apis.command_line import run_command
from mmvg.apis.run import evaluate, load_config, train, use_amp

__all__ = ['evaluate', 'load_config', 'run_command', 'train', 'use_amp']
