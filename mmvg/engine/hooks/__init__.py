from mmvg.engine.hooks.average_buffers_hook import AverageBuffersHook
from mmvg.engine.hooks.carried_config_hook import CarriedConfigHook
from mmvg.engine.hooks.grounding_visualization_hook import GroundingVisualizationHook
from mmvg.engine.hooks.prediction_dump_hook import PredictionDumpHook

__all__ = ['AverageBuffersHook', 'CarriedConfigHook', 'GroundingVisualizationHook', 'PredictionDumpHook']
