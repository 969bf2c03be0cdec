"""CROG (arXiv:2311.05779) on OCID-VLG ``novel-classes``; test J@1 14.6, IoU 40.4 in LGGD's Table III."""

from mmengine.config import read_base

with read_base():
    from .ocid_vlg_multiple import *

version = 'novel-classes'
