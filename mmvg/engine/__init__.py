from mmvg.engine.config_check import ConfigError, check_config
from mmvg.engine.hooks import GroundingVisualizationHook, PredictionDumpHook

__all__ = ['ConfigError', 'GroundingVisualizationHook', 'PredictionDumpHook', 'check_config']
