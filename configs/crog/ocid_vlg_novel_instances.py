"""CROG (arXiv:2311.05779) on OCID-VLG ``novel-instances``; test J@1 48.3, IoU 61.3 in LGGD's Table II."""

from mmengine.config import read_base

with read_base():
    from .ocid_vlg_multiple import *

version = 'novel-instances'
