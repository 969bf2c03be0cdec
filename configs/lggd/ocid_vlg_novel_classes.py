"""LGGD (arXiv:2512.21065) on OCID-VLG ``novel-classes``; the paper: one GPU of 80 GB, test J@1 46.0, IoU 63.1."""

from mmengine.config import read_base

with read_base():
    from .ocid_vlg_multiple import *

version = 'novel-classes'
warmup_epochs = 2000 / 364  # iterations in batches of 72
