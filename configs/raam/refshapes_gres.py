"""RaAM-RVG in small, generalized segmentation from scratch on RefShapes in the format of gRefCOCO.

As refshapes.py, without boxes. Nothing is meant where no region has a presence of a half, which is the paper's rule;
in the loss of the presence an image in which nothing is meant counts twice, for a fifth of the images are such.
"""

from mmengine.config import read_base

with read_base():
    from .refshapes import *
    from .._base_.datasets.grefcoco import gres_metric, test_dataloader, train_dataloader, val_dataloader

model.head.update(box_loss=None, regions_decide=True)
model.head.region_loss.class_weights = (1.0, 2.0)
model.head.postprocess.score_thr = 0.5

evaluator = ['${gres_metric}']
