"""LAVT with a head that says whether anything is meant, in small, on RefShapes with no, one and several targets.

As configs/lavt/refshapes.py, in the format of gRefCOCO: ``tools/dist_train.sh configs/lavt/refshapes_gres.py 4``.
"""

from mmengine.config import read_base

from mmvg.models.losses import NoTargetLoss

with read_base():
    from .refshapes import *
    from .._base_.datasets.grefcoco import gres_metric, test_dataloader, train_dataloader, val_dataloader

model.head.no_target_loss = dict(type=NoTargetLoss, loss_weight=1.0, class_weights=(1.0, 1.0))
model.head.postprocess.score_thr = 0.5
evaluator = ['${gres_metric}']
