"""LGGD in small on all sentences of RefScenes, so that it also learns when nothing is meant."""

from mmengine.config import read_base

with read_base():
    from .refscenes import *
    from .._base_.datasets.refscenes_jsonl import *
