"""SimVG's schedule for RefCOCO/+/g: 30 epochs, rates times 0.25, 0.5, 0.75, 1 (22 epochs), 0.1 (5 epochs)."""

from mmengine.config import read_base

with read_base():
    from .adam_20e import *

max_epochs = 30
milestones = [25]
