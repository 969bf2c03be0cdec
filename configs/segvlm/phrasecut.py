"""SegVLM (arXiv:2505.19242) on PhraseCut, CLIP-RN101, 22 tokens; the paper: test mIoU 53.87.

Batches of 16 are for four GPUs, 64 in all. README.md has the rows of Table 2 as options.
"""

from mmengine.config import read_base

with read_base():
    from ..cris.phrasecut import *
    from .._base_.models.segvlm import *
