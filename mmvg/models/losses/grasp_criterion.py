"""Losses of a mask and of the four maps of grasps."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.layers import send
from mmvg.models.losses.mask_resolution import RESOLUTIONS, enlarge_logits, reduce_masks
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample

#: What becomes of quality and width: the sigmoid of logits, or the raw numbers.
ACTIVATIONS = ('sigmoid', 'none')


@dataclass
class GraspTargets:
    """Hold the ground truth of a batch in input pixels.

    Args:
        mask: (B, H, W) float32 of 0 and 1, the object that is meant.
        maps: (B, 4, H, W) float32: quality, cos(2 theta), sin(2 theta), width.
        painted: (B, H, W) bool, pixels that a grasp has been painted on.

    Examples:
        >>> import torch
        >>> from mmengine.structures import PixelData
        >>> from mmvg.models.losses import GraspTargets
        >>> from mmvg.structures import GroundingSample
        >>> sample = GroundingSample(gt_sem_seg=PixelData(sem_seg=torch.ones(1, 8, 8)))
        >>> sample.gt_grasp_maps = PixelData(maps=torch.zeros(4, 8, 8), painted=torch.zeros(1, 8, 8).bool())
        >>> GraspTargets.from_samples([sample], torch.device('cpu')).maps.shape
        torch.Size([1, 4, 8, 8])
    """

    mask: Tensor
    maps: Tensor
    painted: Tensor

    @classmethod
    def from_samples(cls, samples: list[GroundingSample], device: torch.device) -> 'GraspTargets':
        """Collect ``gt_sem_seg`` and ``gt_grasp_maps`` of packed samples on ``device``.

        Raises:
            ValueError: If a sample lacks one of them, or has them in another frame than the input.
        """
        for sample in samples:
            missing = [name for name in ('gt_sem_seg', 'gt_grasp_maps') if name not in sample]
            if missing and sample.get('boxes_only'):
                raise ValueError(
                    f'{sample.get("img_path", "a sample")} (sent_id {sample.get("sent_id")}) has boxes only; grasps '
                    'are learned inside of the mask of their object: give it a mask, or leave it out'
                )
            if missing or sample.get('gt_frame', 'input') != 'input':
                raise ValueError(
                    f'{sample.get("img_path", "a sample")} (sent_id {sample.get("sent_id")}): the losses need '
                    f'gt_sem_seg and gt_grasp_maps in input pixels, but {" and ".join(missing) or "their frame"} is '
                    'missing or another; load annotations before Letterbox, and let EncodeGraspMaps follow it'
                )
        return cls(
            mask=send(torch.stack([s.gt_sem_seg.sem_seg[0] for s in samples]), device).float(),
            maps=send(torch.stack([s.gt_grasp_maps.maps for s in samples]), device),
            painted=send(torch.stack([s.gt_grasp_maps.painted[0] for s in samples]), device),
        )

    @property
    def no_target(self) -> Tensor:
        """Return (B,) bool, True where no pixel of the input is meant."""
        return ~self.mask.flatten(1).any(1)

    def reduced(self, size: tuple[int, int]) -> 'GraspTargets':
        """Return the targets on a coarser grid of ``size`` (h, w).

        A cell is of the object, or painted, if half of it or more is; the maps of its pixels are averaged.
        """
        if self.mask.shape[-2:] == tuple(size):
            return self
        mask, painted = reduce_masks(torch.stack([self.mask, self.painted.float()], 1), size, 'half').unbind(1)
        return GraspTargets(mask, F.adaptive_avg_pool2d(self.maps, tuple(size)), painted.bool())


@MODELS.register_module()
class GraspCriterion(nn.Module):
    """Compare a mask and four maps of grasps with the truth, as LGGD, CROG, GR-ConvNet or GG-CNN do.

    The mask is compared by cross-entropy with weights 1 + beta M. The losses of quality, cos, sin and width are added
    up. Both losses are averaged over the images. The defaults are LGGD's (arXiv:2512.21065, Eq. 35 to 40), where an
    image without a pixel of an object has grasp loss 0. The others are options:

    ===============================================  =======================================================
    CROG (arXiv:2311.05779, code)                    ``where='image', activation='none', mask_average='pixels',
                                                     resolution='output'``
    GR-ConvNet (arXiv:1909.04810, code)              ``where='image', activation='none'``
    GG-CNN (arXiv:1804.05172, code)                  ``where='image', activation='none', distance='squared'``
    ===============================================  =======================================================

    Args:
        foreground_weight: beta, the additional weight of a pixel of the object.
        sigma: Smooth L1 is quadratic below 1 / sigma^2.
        grasp_weight: Weight of the grasp loss; 1 in the papers.
        angle_on_grasp_only: Whether cos, sin and width are compared, and averaged, only where a grasp has been painted;
            otherwise the rest of what is compared has angle and width 0.
        where: Pixels at which grasps are compared: of the ``'object'``, or of the whole ``'image'``.
        activation: What is compared of quality and width: their ``'sigmoid'``, or the numbers as they are (``'none'``);
            cos and sin are compared as they are. See ``activation`` of :class:`GraspPostprocess`.
        distance: ``'smooth_l1'`` or ``'squared'``.
        mask_average: What the cross-entropy of an image is divided by: the sum of the ``'weights'``, or the number of
            its ``'pixels'``.
        resolution: ``'input'``: logits are enlarged to the input (pixel centres); ``'output'``: the truth is reduced to
            the cells of the logits (:meth:`GraspTargets.reduced`).

    Raises:
        ValueError: If a choice is unknown.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import GraspCriterion, GraspTargets
        >>> mask, maps = torch.ones(1, 8, 8), torch.zeros(1, 4, 8, 8)
        >>> GraspCriterion()(torch.zeros(1, 5, 8, 8), GraspTargets(mask, maps, painted=mask.bool()))
        {'loss_mask': tensor(0.6931), 'loss_grasp': tensor(0.2500)}
    """

    def __init__(
        self,
        foreground_weight: float = 0.5,
        sigma: float = 1.0,
        grasp_weight: float = 1.0,
        angle_on_grasp_only: bool = False,
        where: str = 'object',
        activation: str = 'sigmoid',
        distance: str = 'smooth_l1',
        mask_average: str = 'weights',
        resolution: str = 'input',
    ) -> None:
        super().__init__()
        self.foreground_weight = foreground_weight
        self.sigma = sigma
        self.grasp_weight = grasp_weight
        self.angle_on_grasp_only = angle_on_grasp_only
        self.where = check_choice('GraspCriterion.where', where, ('object', 'image'))
        self.activation = check_choice('GraspCriterion.activation', activation, ACTIVATIONS)
        self.distance = check_choice('GraspCriterion.distance', distance, ('smooth_l1', 'squared'))
        self.mask_average = check_choice('GraspCriterion.mask_average', mask_average, ('weights', 'pixels'))
        self.resolution = check_choice('GraspCriterion.resolution', resolution, RESOLUTIONS)

    def forward(self, logits: Tensor, targets: GraspTargets) -> dict[str, Tensor]:
        """Compute the losses.

        Args:
            logits: (B, 5, h, w): mask, quality, cos, sin, width.
            targets: Targets (H, W) of the batch; both are brought to one size, see ``resolution``.

        Returns:
            ``loss_mask`` and ``loss_grasp``.
        """
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits.float()
            if self.resolution == 'input':
                logits = enlarge_logits(logits, targets.mask.shape[-2:], align_corners=False)
            targets = targets.reduced(logits.shape[-2:])
            return dict(
                loss_mask=self._mask_loss(logits[:, 0], targets.mask),
                loss_grasp=self.grasp_weight * self._grasp_loss(logits[:, 1:], targets),
            )

    def _mask_loss(self, logits: Tensor, mask: Tensor) -> Tensor:
        weights = 1 + self.foreground_weight * mask
        loss = F.binary_cross_entropy_with_logits(logits, mask, weights, reduction='none')
        if self.mask_average == 'pixels':
            return loss.mean()
        return (loss.sum((1, 2)) / weights.sum((1, 2))).mean()

    def _grasp_loss(self, logits: Tensor, targets: GraspTargets) -> Tensor:
        found = activate_grasp_maps(logits, self.activation)
        if self.distance == 'squared':
            loss = F.mse_loss(found, targets.maps, reduction='none')
        else:
            loss = F.smooth_l1_loss(found, targets.maps, reduction='none', beta=self.sigma**-2)
        region = targets.mask if self.where == 'object' else torch.ones_like(targets.mask)
        counted = region[:, None].expand_as(loss)
        if self.angle_on_grasp_only:
            counted = torch.cat([counted[:, :1], counted[:, 1:] * targets.painted[:, None]], dim=1)
        return ((loss * counted).sum((2, 3)) / counted.sum((2, 3)).clamp(min=1)).sum(1).mean()


def activate_grasp_maps(logits: Tensor, activation: str = 'sigmoid') -> Tensor:
    """Bring quality and width of ``logits`` (B, 4, H, W) to (0, 1); cos and sin, in between, stay as they are.

    With ``activation`` ``'none'`` all stay as they are.
    """
    if activation == 'none':
        return logits
    quality, angle, width = logits.split([1, 2, 1], dim=1)
    return torch.cat([quality.sigmoid(), angle, width.sigmoid()], dim=1)
