"""ReLA on RefCOCO at 224 x 224: the baseline of MagNet's Table 3(d); val oIoU 66.23, RefCOCO+ 53.69.

MagNet's authors trained ten epochs of 120,624 sentences with ReLA's own code.
"""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

size = 224
iterations = 25_130  # of 48 sentences
milestones = [9_214, 17_591]  # at the same parts of the run
val_interval = 2_513  # an epoch
