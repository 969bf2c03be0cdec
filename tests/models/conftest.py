import numpy as np
import pytest
import torch
from mmdet.models.task_modules.assigners import BBoxL1Cost, ClassificationCost, HungarianAssigner, IoUCost
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmvg.models.heads import InstanceHead
from mmvg.models.losses import (
    DetectionCriterion,
    MaskCriterion,
    MinimapLoss,
    NoTargetLoss,
    PointL1Cost,
    SetMatcher,
)
from mmvg.models.postprocess import InstancePostprocess
from mmvg.structures import GroundingSample

COSTS = [
    dict(type=ClassificationCost, weight=1.0),
    dict(type=BBoxL1Cost, box_format='xywh', weight=5.0),
    dict(type=IoUCost, iou_mode='giou', weight=2.0),
    dict(type=PointL1Cost, weight=2.0),
]


@pytest.fixture
def make_head():
    """An InstanceHead 8 wide with the losses of the config; arguments replace them."""

    def make(**changes):
        settings = dict(
            in_channels=8,
            matcher=dict(type=SetMatcher, assigner=dict(type=HungarianAssigner, match_costs=COSTS)),
            detection_loss=dict(type=DetectionCriterion),
            mask_loss=dict(type=MaskCriterion),
            no_target_loss=dict(type=NoTargetLoss),
            postprocess=dict(type=InstancePostprocess),
            minimap_loss=dict(type=MinimapLoss),
        )
        torch.manual_seed(0)
        return InstanceHead(**settings | changes)

    return make


@pytest.fixture
def make_sample():
    """A 32 x 32 input of a 64 x 48 image with ``count`` targets, one below the other."""

    def make(count, height=32, width=32, **meta):
        masks = np.zeros((count, height, width), dtype=np.uint8)
        boxes = np.array([[2, 4 * i, 10, 4 * i + 8] for i in range(count)], dtype=np.float32).reshape(-1, 4)
        for i, mask in enumerate(masks):
            mask[4 * i : 4 * i + 8, 2:10] = 1
        meta = (
            dict(
                img_path=f'{count}.jpg',
                sent_id=count,
                img_shape=(height, width),
                ori_shape=(48, 64),
                homography_matrix=np.diag([width / 64, height / 48, 1.0]),
                gt_frame='input',
            )
            | meta
        )
        sample = GroundingSample(metainfo=meta)
        sample.gt_instances = InstanceData(bboxes=torch.from_numpy(boxes), masks=BitmapMasks(masks, height, width))
        union = masks.any(0, keepdims=True).astype(np.uint8) if count else np.zeros((1, height, width), np.uint8)
        sample.gt_sem_seg = PixelData(sem_seg=torch.from_numpy(union))
        sample.no_target = count == 0
        return sample

    return make


@pytest.fixture
def awake():
    """Function: let gradients pass what starts as zero, such as the last layer of a residual branch.

    The one or two hidden units of a narrow squeeze-and-excitation are not to be dead either.
    """

    def fill(module):
        torch.manual_seed(0)
        for parameter in module.parameters():
            if parameter.ndim == 1 and len(parameter) <= 2:
                torch.nn.init.constant_(parameter, 5.0)
            elif not parameter.any():
                torch.nn.init.normal_(parameter, std=0.1)
        return module

    return fill


@pytest.fixture
def unlearned():
    """Function: names of the parameters whose gradient is missing, not finite, or zero everywhere."""

    def names(module):
        return [
            name
            for name, parameter in module.named_parameters()
            if parameter.grad is None or not parameter.grad.isfinite().all() or not parameter.grad.any()
        ]

    return names
