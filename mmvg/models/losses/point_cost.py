"""A match cost for queries that start from a point."""

import torch
from mmdet.models.task_modules.assigners.match_cost import BaseMatchCost
from mmengine.structures import InstanceData
from torch import Tensor

from mmvg.registry import TASK_UTILS


@TASK_UTILS.register_module()
class PointL1Cost(BaseMatchCost):
    """Measure the L1 distance of a query's prior point from a target's centre (InstanceVG, arXiv:2509.13747, Eq. 5).

    This is the 4th term of the equation. Like mmdet's ``BBoxL1Cost`` it reads pixels and divides them by
    ``img_meta['img_shape']``.

    Args:
        weight: lambda_point.

    Examples:
        >>> import torch
        >>> from mmengine.structures import InstanceData
        >>> from mmvg.models.losses import PointL1Cost
        >>> queries = InstanceData(priors=torch.tensor([[4.0, 4.0], [8.0, 8.0]]))
        >>> targets = InstanceData(bboxes=torch.tensor([[0.0, 0.0, 8.0, 8.0]]))
        >>> PointL1Cost(weight=2.0)(queries, targets, img_meta=dict(img_shape=(16, 16)))
        tensor([[0.],
                [1.]])
    """

    def __call__(
        self, pred_instances: InstanceData, gt_instances: InstanceData, img_meta: dict | None = None, **kwargs
    ) -> Tensor:
        """Return the cost (Q, N) of ``pred_instances.priors`` (Q, 2) and ``gt_instances.bboxes`` (N, 4) xyxy."""
        height, width = img_meta['img_shape'][:2]
        boxes = gt_instances.bboxes
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        size = boxes.new_tensor([width, height])
        return torch.cdist(pred_instances.priors / size, centres / size, p=1) * self.weight
