"""Qwen2.5-VL (arXiv:2502.13923) of transformers on RefCOCOg of UMD, as on RefCOCO."""

from mmengine.config import read_base

with read_base():
    from .qwen2_5_vl_refcoco import *

dataset = 'refcocog'
