"""Grounding DINO (arXiv:2303.05499) of transformers on Flickr30k Entities: phrases, its boxes ranked."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.flickr30k_entities import *
    from .._base_.models.hf_grounding_dino import *
    from .._base_.runtime import *

box_rule = 'all'
score_thr = 0.0
