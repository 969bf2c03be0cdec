"""InstanceVG's schedule for RefCOCO/+/g: 20 epochs, rates times 0.25, 0.5, 0.75, 1 (11 epochs), 0.1 (6 epochs)."""

from mmengine.config import read_base

with read_base():
    from .adam_10e import optim_wrapper, param_scheduler, test_cfg, train_cfg, val_cfg

train_cfg.max_epochs = 20
param_scheduler[0].update(start_factor=0.25, end=4)
param_scheduler[1].milestones = [14]
