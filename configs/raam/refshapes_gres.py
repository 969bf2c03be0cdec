"""RaAM-RVG in small, generalized segmentation from scratch on RefShapes in the format of gRefCOCO.

The model of refshapes.py without a box; no region with a target means that nothing is meant. For four
processes of one thread: ``tools/dist_train.sh configs/raam/refshapes_gres.py 4``.
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
        iterations,
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
model.head.update(box_loss=None, regions_decide=True)
val_evaluator = [dict(type=GRESMetric)]
test_evaluator = [dict(type=GRESMetric)]
