"""SegVLM (arXiv:2505.19242) on RefCOCOg (umd), CLIP-RN101, 22 tokens; the paper has no number."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcocog'
max_length = 22
