"""RaAM-RVG (ICCV 2025) on gRefCOCO (GRES), Swin-B; two GPUs. The paper has no numbers for it."""

from mmengine.config import read_base

with read_base():
    from .grefcoco import *
    from .._base_.models.raam_swin_base import *

model.head.update(box_loss=None, regions_decide=True)
model.head.postprocess.score_thr = 0.5
