"""RefCOCOg (umd); the other split: ``--cfg-options test_dataloader.dataset.split=test``."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

dataset = 'refcocog'
