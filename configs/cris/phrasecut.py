"""CRIS (arXiv:2111.15174) on PhraseCut, CLIP-RN101, 22 tokens; test: mIoU 43.57 in SegVLM's Table 2 (its baseline).

Trained as SegVLM is: rates times 0.1 after epochs 15 and 30. Batches of 16 are for four GPUs, 64 in all.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.phrasecut import *
    from .._base_.models.cris import *
    from .._base_.runtime import *
    from .._base_.schedules.adam_50e import *

milestones = [15, 30]
default_hooks.checkpoint.update(save_best='phrasecut/mIoU', rule='greater')
