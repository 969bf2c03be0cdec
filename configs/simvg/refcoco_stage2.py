"""Second of two stages: the token branch of SimVG learns from the decoder of refcoco_stage1.py in 20 epochs."""

from mmengine.config import read_base

with read_base():
    from .refcoco import *

load_from = 'work_dirs/simvg_refcoco_stage1/epoch_30.pth'
max_epochs = 20
milestones = [15]
optim_wrapper.optimizer.lr = 3e-4
