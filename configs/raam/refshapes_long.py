"""As refshapes.py, trained for longer on three RefShapes; instancevg/refshapes_long.py says how they are drawn."""

from mmengine.config import read_base
from mmengine.dataset import ConcatDataset

with read_base():
    from .refshapes import *

iterations = 8500
train_dataloader.dataset = dict(
    type=ConcatDataset,
    datasets=[
        dict(train_dataloader.dataset, data_root=root)
        for root in ('data/refshapes', 'data/refshapes_seed2', 'data/refshapes_seed3')
    ],
)
