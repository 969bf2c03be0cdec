"""LGGD (arXiv:2512.21065) on Grasp-Anything++, 224 x 224; the paper: one GPU of 80 GB, success 59 seen, 31 unseen.

Jaws are half of the opening, openings are up to half of the image, and the middle third of a rectangle is painted, as
in LGD. The data has no validation split, so training does not choose among checkpoints: the last epoch is to be tested.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.lggd import *
    from .._base_.datasets.grasp_anything import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_50e import *

model.head.postprocess.jaw_size = None
train_batch_size = 72
train_dataloader.num_workers = 8
train_cfg.val_interval = 50
