from mmvg.engine.config_check import ConfigError, check_config
from mmvg.engine.hooks import PredictionDumpHook

__all__ = ['ConfigError', 'PredictionDumpHook', 'check_config']
