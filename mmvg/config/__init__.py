"""Configs: reading them, with references to settings, and the check that each goes through before it is built."""

from mmvg.config.check import check_config, runner_config
from mmvg.config.errors import ConfigError
from mmvg.config.library import config_names, find_config
from mmvg.config.plain_data import to_data
from mmvg.config.references import read_config
from mmvg.config.stored import stored_config

__all__ = [
    'ConfigError',
    'check_config',
    'config_names',
    'find_config',
    'read_config',
    'runner_config',
    'stored_config',
    'to_data',
]
