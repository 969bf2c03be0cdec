"""RaAM-RVG in small, generalized segmentation on RefShapes in the format of gRefCOCO.

Goes on from what refshapes.py has learned, with the box around all targets as an auxiliary task; where no region holds
a target, nothing is meant. For four processes of one thread, ten minutes each:
``tools/dist_train.sh configs/raam/refshapes.py 4``, then ``tools/dist_train.sh configs/raam/refshapes_gres.py 4``.
"""

from mmengine.config import read_base

from mmvg.datasets import GRefCOCODataset
from mmvg.evaluation.metrics import GRESMetric

with read_base():
    from .refshapes import (
        custom_hooks,
        default_hooks,
        default_scope,
        env_cfg,
        log_processor,
        model,
        optim_wrapper,
        param_scheduler,
        randomness,
        test_cfg,
        test_dataloader,
        test_pipeline,
        tokenizer,
        train_cfg,
        train_dataloader,
        train_pipeline,
        val_cfg,
        val_dataloader,
        visualizer,
    )

data = dict(type=GRefCOCODataset, data_root='data/refshapes', mode='tolerant')
train_dataloader.dataset = dict(data, split='train', pipeline=train_pipeline)
val_dataloader.dataset = dict(data, split='val', test_mode=True, pipeline=test_pipeline)
test_dataloader.dataset = dict(data, split='val', test_mode=True, pipeline=test_pipeline)
model.head.update(regions_decide=True, existence='any')
model.head.postprocess.score_thr = 0.98  # chosen on val

iterations = 1700
load_from = 'work_dirs/raam_refshapes/iter_1800.pth'
train_cfg.update(max_iters=iterations, val_interval=iterations)
optim_wrapper.optimizer.lr = 1e-3
param_scheduler[1].update(end=iterations, T_max=iterations - 60)
custom_hooks[-1].interval = iterations
default_hooks.checkpoint.interval = iterations
val_evaluator = [dict(type=GRESMetric)]
test_evaluator = [dict(type=GRESMetric)]
