"""How a run logs, saves and repeats itself; the same for all papers.

The Runner adds the hooks that let it go on after whatever happens to it (docs/running.md).
"""

from mmengine.hooks import DistSamplerSeedHook, IterTimerHook, LoggerHook, ParamSchedulerHook
from mmengine.runner import LogProcessor, TestLoop, ValLoop
from mmengine.visualization import LocalVisBackend

from mmvg.engine.hooks import GroundingVisualizationHook, SafeCheckpointHook
from mmvg.visualization import GroundingVisualizer

default_scope = 'mmvg'
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
default_hooks = dict(
    timer=dict(type=IterTimerHook),
    logger=dict(type=LoggerHook, interval=50),
    param_scheduler=dict(type=ParamSchedulerHook),
    checkpoint=dict(type=SafeCheckpointHook, interval=1, max_keep_ckpts=2),
    sampler_seed=dict(type=DistSamplerSeedHook),
    visualization=dict(type=GroundingVisualizationHook),
)
env_cfg = dict(
    cudnn_benchmark=False, mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0), dist_cfg=dict(backend='nccl')
)
# deterministic=True forbids every CUDA kernel that is not, and needs CUBLAS_WORKSPACE_CONFIG=:4096:8 to be set
randomness = dict(seed=6666, deterministic=False)
log_processor = dict(type=LogProcessor, by_epoch=True, window_size=50)
visualizer = dict(type=GroundingVisualizer, vis_backends=[dict(type=LocalVisBackend)])
