"""As refshapes.py, trained for hours on three RefShapes, which goes on from weights of refshapes.py.

Trained for so long, the model would learn one RefShapes by heart. The others are drawn first::

    mmvg data draw --size small --seed 2 --formats grefcoco refcoco --out data/refshapes_seed2
    mmvg data draw --size small --seed 3 --formats grefcoco refcoco --out data/refshapes_seed3
"""

from mmengine.config import read_base
from mmengine.dataset import ConcatDataset

with read_base():
    from .refshapes import *

iterations = 4500
train_dataloader.dataset = dict(
    type=ConcatDataset,
    datasets=[
        dict(train_dataloader.dataset, data_root=root)
        for root in ('data/refshapes', 'data/refshapes_seed2', 'data/refshapes_seed3')
    ],
)
