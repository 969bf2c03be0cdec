"""InstanceVG (arXiv:2509.13747) for Ref-ZOM, BEiT-3 base; the paper: test oIoU 71.52, mIoU 71.12, Acc 97.42.

Model, schedule and runtime, the same as on gRefCOCO. The dataset and its metric are not part of mmvg yet: this config
builds the model, converts and loads weights, and cannot train or test.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.instancevg_base import model
    from .._base_.runtime import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        randomness,
        visualizer,
    )
    from .._base_.schedules.adam_10e import optim_wrapper, param_scheduler
