"""ReLA (arXiv:2306.00968) on RefCOCOg of Google, as on RefCOCO; val (google) oIoU 62.70."""

from mmengine.config import read_base

with read_base():
    from .refcocog import *

train_dataloader.dataset.split_by = val_dataloader.dataset.split_by = test_dataloader.dataset.split_by = 'google'
