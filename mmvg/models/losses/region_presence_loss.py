"""Loss of the regions of an image that the targets reach into."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.models.layers import send
from mmvg.models.layers.region_grid import grid_side
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import cxcywh_to_xyxy


@MODELS.register_module()
class RegionPresenceLoss(nn.Module):
    """Sum binary cross-entropy over the regions, and average it over the batch: L_r of RaAM-RVG (ICCV 2025, eq. 11).

    Args:
        loss_weight: lambda_1 and lambda_4; the paper does not give them.
        class_weights: Weights of images with and without a target; the average is weighted by them. The paper has none,
            and judges by a presence of a half: where it misses too many images without a target, weigh them more.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import GroundingTargets, RegionPresenceLoss
        >>> targets = GroundingTargets.from_masks(torch.ones(1, 16, 16), counts=[1])
        >>> RegionPresenceLoss(loss_weight=1.0)(torch.zeros(1, 16), targets)  # 16 log 2
        {'loss_region': tensor(11.0904)}
    """

    def __init__(self, loss_weight: float = 0.1, class_weights: tuple[float, float] = (1.0, 1.0)) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.register_buffer('class_weights', torch.tensor(class_weights), persistent=False)

    def forward(self, presence_logits: Tensor, targets: GroundingTargets) -> dict[str, Tensor]:
        """Return ``loss_region`` of ``presence_logits`` (B, N), with N regions row-major over a square grid."""
        labels = region_labels(targets, grid_side(presence_logits.shape[1]))
        loss = F.binary_cross_entropy_with_logits(presence_logits.float(), labels, reduction='none').sum(1)
        weights = self.class_weights[targets.no_target.long()]
        return dict(loss_region=self.loss_weight * (weights * loss).sum() / weights.sum())


def region_labels(targets: GroundingTargets, side: int) -> Tensor:
    """Say in which regions the targets are.

    Args:
        targets: Targets of the batch. Of images without a union mask the boxes decide.
        side: Regions a side.

    Returns:
        Labels (B, side*side), 1.0 where a pixel of any target lies in the region.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import GroundingTargets, region_labels
        >>> left = torch.tensor([[[1, 0], [1, 0]]])
        >>> region_labels(GroundingTargets.from_masks(left, counts=[1]), side=2)
        tensor([[1., 0., 1., 0.]])
    """
    if targets.union is None:
        return _box_labels(targets, side)
    labels = F.adaptive_max_pool2d(targets.union.float(), side).flatten(1)
    if targets.mask_known is None:
        return labels
    known = send(torch.tensor(targets.mask_known), labels.device)
    return torch.where(known[:, None], labels, _box_labels(targets, side))


def _box_labels(targets: GroundingTargets, side: int) -> Tensor:
    boxes = cxcywh_to_xyxy(targets.boxes_cxcywh_norm)
    edges = torch.linspace(0, 1, side + 1, device=boxes.device)
    columns = (boxes[:, :1] < edges[1:]) & (boxes[:, 2:3] > edges[:-1])
    rows = (boxes[:, 1:2] < edges[1:]) & (boxes[:, 3:] > edges[:-1])
    touched = (rows[:, :, None] & columns[:, None, :]).flatten(1).float()
    counts = torch.tensor(targets.counts)
    image = send(torch.arange(len(counts)).repeat_interleave(counts), boxes.device)
    image = image[:, None].expand_as(touched)
    return touched.new_zeros(len(counts), side * side).scatter_reduce(0, image, touched, 'amax')
