"""Qwen3-VL (arXiv:2511.21631) of transformers on RefCOCOg of UMD, as on RefCOCO."""

from mmengine.config import read_base

with read_base():
    from .qwen3_vl_refcoco import *

dataset = 'refcocog'
