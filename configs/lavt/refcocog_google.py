"""LAVT (arXiv:2112.02244) on RefCOCOg of Google, as on RefCOCO."""

from mmengine.config import read_base

with read_base():
    from .refcocog import *

train_dataloader.dataset.split_by = val_dataloader.dataset.split_by = test_dataloader.dataset.split_by = 'google'
