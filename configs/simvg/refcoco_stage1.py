"""First of two stages: the decoder branch of SimVG alone on RefCOCO, averaged over steps; refcoco_stage2.py follows."""

from mmengine.config import read_base
from mmengine.hooks import EMAHook

with read_base():
    from .refcoco import *

model.head.update(distillation=None, branch='decoder')
find_unused_parameters = True  # nothing trains the token branch
train_batch_size = 16
base_batch_size = 16
custom_hooks = [dict(type=EMAHook, momentum=0.001)]
