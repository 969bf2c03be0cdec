"""MMEngine's Runner as mmvg uses it, its hooks and its optimizers."""

from mmvg.engine.hooks import AverageBuffersHook, CarriedConfigHook, GroundingVisualizationHook, PredictionDumpHook
from mmvg.engine.optimizers import MuonAdamW

__all__ = ['AverageBuffersHook', 'CarriedConfigHook', 'GroundingVisualizationHook', 'MuonAdamW', 'PredictionDumpHook']
