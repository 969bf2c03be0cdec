"""InstanceVG's schedule for RefCOCO/+/g: 20 epochs, rates times 0.25, 0.5, 0.75, 1 (11 epochs), 0.1 (6 epochs)."""

from mmengine.config import read_base

with read_base():
    from .adam_10e import *

max_epochs = 20
warmup_factor = 0.25
warmup_epochs = 4
milestones = [14]
