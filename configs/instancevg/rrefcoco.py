"""InstanceVG (arXiv:2509.13747) for R-RefCOCO, R-RefCOCO+ and R-RefCOCOg, BEiT-3 base.

The paper reports mIoU 76.73, mRR 92.15 and rIoU 62.41 on R-RefCOCO val.

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
