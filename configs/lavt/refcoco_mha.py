"""LAVT on RefCOCO with four heads in the attention after every stage: ``--mha 4-4-4-4`` of its code."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

model.backbone.fusion.num_heads = (4, 4, 4, 4)
