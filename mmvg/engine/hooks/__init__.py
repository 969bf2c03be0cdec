from mmvg.engine.hooks.adapter_hook import AdapterHook
from mmvg.engine.hooks.average_buffers_hook import AverageBuffersHook
from mmvg.engine.hooks.carried_config_hook import CarriedConfigHook
from mmvg.engine.hooks.finite_state_hook import FiniteStateHook
from mmvg.engine.hooks.grounding_visualization_hook import GroundingVisualizationHook
from mmvg.engine.hooks.heartbeat_hook import HeartbeatHook
from mmvg.engine.hooks.prediction_dump_hook import PredictionDumpHook
from mmvg.engine.hooks.resume_hook import ResumeHook
from mmvg.engine.hooks.safe_checkpoint_hook import SafeCheckpointHook
from mmvg.engine.hooks.stop_hook import StopHook

__all__ = [
    'AdapterHook',
    'AverageBuffersHook',
    'CarriedConfigHook',
    'FiniteStateHook',
    'GroundingVisualizationHook',
    'HeartbeatHook',
    'PredictionDumpHook',
    'ResumeHook',
    'SafeCheckpointHook',
    'StopHook',
]
