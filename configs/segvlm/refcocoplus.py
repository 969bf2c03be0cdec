"""SegVLM (arXiv:2505.19242) on RefCOCO+, CLIP-RN101, 17 tokens; the paper has no number."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcoco+'
