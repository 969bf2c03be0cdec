"""RaAM-RVG in small, generalized segmentation on RefShapes in the format of gRefCOCO.

Goes on from what refshapes.py has learned, with the box around all targets as an auxiliary task; where no region holds
a target, nothing is meant. For four processes of one thread, ten minutes each:
``tools/dist_train.sh configs/raam/refshapes.py 4``, then ``tools/dist_train.sh configs/raam/refshapes_gres.py 4``.
"""

from mmengine.config import read_base

with read_base():
    from .refshapes import *
    from .._base_.datasets.grefcoco import gres_metric, test_dataloader, train_dataloader, val_dataloader

model.head.update(regions_decide=True, target_score='any')
model.head.postprocess.score_thr = 0.98  # chosen on val

iterations = 1700
lr = 1e-3
load_from = 'work_dirs/raam_refshapes/iter_1800.pth'  # of refshapes.py
evaluator = ['${gres_metric}']
