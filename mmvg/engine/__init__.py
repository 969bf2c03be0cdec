"""MMEngine's Runner as mmvg uses it, its hooks and its optimizers."""

from mmvg.engine.hooks import AverageBuffersHook, CarriedConfigHook, GroundingVisualizationHook, PredictionDumpHook
from mmvg.engine.optimizers import MuonAdamW
from mmvg.engine.shared_image_batches import SharedImageBatchSampler

__all__ = [
    'AverageBuffersHook',
    'CarriedConfigHook',
    'GroundingVisualizationHook',
    'MuonAdamW',
    'PredictionDumpHook',
    'SharedImageBatchSampler',
]
