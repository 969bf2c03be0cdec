"""Sentences asked of any number of pictures: ``mmvg label``. Nothing here imports PyTorch but the workers."""

from mmvg.labelling.records import read_labels

__all__ = ['read_labels']
