"""A match cost for queries that start from a point."""

import torch
from mmdet.models.task_modules.assigners.match_cost import BaseMatchCost
from mmengine.structures import InstanceData
from torch import Tensor

from mmvg.registry import TASK_UTILS


@TASK_UTILS.register_module()
class PointL1Cost(BaseMatchCost):
    """L1 distance between a query's prior point and a target's centre (InstanceVG, arXiv:2509.13747, Eq. 5, 4th term).

    Like mmdet's ``BBoxL1Cost`` it reads pixels and divides them by ``img_meta['img_shape']``.

    Args:
        weight: lambda_point.
    """

    def __call__(
        self, pred_instances: InstanceData, gt_instances: InstanceData, img_meta: dict | None = None, **kwargs
    ) -> Tensor:
        """Cost (Q, N) from ``pred_instances.priors`` (Q, 2) and ``gt_instances.bboxes`` (N, 4) xyxy."""
        height, width = img_meta['img_shape'][:2]
        boxes = gt_instances.bboxes
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        size = boxes.new_tensor([width, height])
        return torch.cdist(pred_instances.priors / size, centres / size, p=1) * self.weight
