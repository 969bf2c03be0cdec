"""A mask read straight from an early feature map, to train what lies before it."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.losses.mask_criterion import BceDice
from mmvg.models.losses.mask_resolution import reduce_masks
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@MODELS.register_module()
class AuxiliaryMaskHead(BaseModule):
    """Predict the mask by a 1x1 convolution of one map of ``features.images`` (deep supervision, arXiv:1409.5185).

    Use it in ``aux_heads`` of a grounder that is trained from scratch: encoder and text get a gradient that no decoder
    has blurred. Each cell is compared with the share of it that the targets cover. Nothing of it is left at inference.

    Args:
        in_channels: Channels C of the map.
        level: Index of the map in ``features.images``.
        loss_weight: Weight of both terms.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads import AuxiliaryMaskHead
        >>> head = AuxiliaryMaskHead(in_channels=8)
        >>> head.predict(GroundingFeatures(images=[torch.randn(2, 8, 4, 4)]).images[-1]).shape
        torch.Size([2, 1, 4, 4])
    """

    def __init__(self, in_channels: int, level: int = -1, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.level = level
        self.loss_weight = loss_weight
        self.predict = nn.Conv2d(in_channels, 1, 1)
        self.bce_dice = BceDice()

    def loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        """Return ``loss_bce`` and ``loss_dice`` of the images that have masks; 0 if none has.

        Raises:
            ValueError: If samples have no union mask.
        """
        logits = self.predict(features.images[self.level])[:, 0].float()
        targets = GroundingTargets.from_samples(data_samples, logits.device)
        if targets.union is None:
            raise ValueError('AuxiliaryMaskHead needs gt_sem_seg on every sample')
        logits, union = targets.known(logits, targets.union)
        if not len(logits):
            return dict(loss_bce=0 * logits.sum(), loss_dice=0 * logits.sum())
        share = reduce_masks(union, logits.shape[-2:], 'area')[:, 0]
        bce, dice = self.bce_dice(logits, share)
        return dict(loss_bce=self.loss_weight * bce, loss_dice=self.loss_weight * dice)
