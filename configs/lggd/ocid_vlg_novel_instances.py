"""LGGD (arXiv:2512.21065) on OCID-VLG ``novel-instances``; the paper: one GPU of 80 GB, test J@1 57.6, IoU 67.6."""

from mmengine.config import read_base

with read_base():
    from .ocid_vlg_multiple import *

version = 'novel-instances'
warmup_epochs = 2000 / 311  # iterations in batches of 72
