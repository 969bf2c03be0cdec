"""grefcoco.py, scored as the authors score: at 320 x 320, ground truth and predictions in input pixels."""

from mmengine.config import read_base

with read_base():
    from .grefcoco import *

frame = 'input'
