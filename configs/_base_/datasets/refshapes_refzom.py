"""RefShapes in the format of Ref-ZOM, 50 tokens, 320 x 320."""

from mmengine.config import read_base

with read_base():
    from .refzom import *
    from ..refshapes import *

train_dataloader.dataset.img_prefix = 'ref-zom/trainval2014'
val_dataloader.dataset.img_prefix = 'ref-zom/trainval2014'
test_dataloader.dataset.img_prefix = 'ref-zom/trainval2014'
