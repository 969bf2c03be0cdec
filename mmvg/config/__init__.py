"""Configs: reading them, and the check that every one goes through before anything is built from it."""

from mmvg.config.check import ConfigError, check_config, runner_config

__all__ = ['ConfigError', 'check_config', 'runner_config']
