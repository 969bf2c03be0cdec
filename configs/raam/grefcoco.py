"""RaAM-RVG (ICCV 2025) on gRefCOCO (GRES), ViT-B; two GPUs; val: cIoU 67.35, gIoU 70.02."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.grefcoco import *
    from .._base_.models.raam_vit_base import *
    from .._base_.runtime import *
    from .._base_.schedules.adamw_poly_60e import *

train_batch_size = 8  # per GPU, 16 in all
train_dataloader.dataset.sentence_mode = 'random'  # one of the sentences of a reference, drawn anew every epoch
model.head.update(box_loss=None, regions_decide=True)
model.head.postprocess.score_thr = 0.5
evaluator = ['${gres_metric}']
default_hooks.checkpoint.update(save_best='gres/gIoU', rule='greater')
