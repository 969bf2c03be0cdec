"""Losses of mmsegmentation and mmdetection on the mask of an expression."""

import torch
from torch import Tensor, nn

from mmvg.models.losses.mask_loss import MaskLoss
from mmvg.registry import MODELS, build_in_its_scope


@MODELS.register_module()
class SegmentationLosses(MaskLoss):
    """Any losses of mmsegmentation or mmdetection, in any head that answers with a mask.

    Those libraries call their losses in two ways. A loss over classes gets logits (B, 2, h, w) of background and target
    and labels (B, h, w); the background's logit is 0, so that softmax over the two is the sigmoid of ours. A loss over
    pixels gets logits and masks of the same shape (B, 1, h, w).

    ====================  =================================================================================
    ``class_losses``      of mmseg: ``CrossEntropyLoss``, ``TverskyLoss``, ``LovaszLoss``, ``OhemCrossEntropy``,
                          ``DiceLoss(use_sigmoid=False)``; ``ignore_index=0`` of the last leaves the background out
    ``pixel_losses``      of mmseg and mmdet: ``DiceLoss``, ``FocalLoss``
    ====================  =================================================================================

    Example:
        >>> import torch
        >>> from mmvg.models.losses import SegmentationLosses
        >>> losses = SegmentationLosses(
        ...     class_losses=dict(tversky=dict(type='mmseg.TverskyLoss', alpha=0.3, beta=0.7)),
        ...     pixel_losses=dict(dice=dict(type='mmdet.DiceLoss', loss_weight=0.5)),
        ... )
        >>> sorted(losses.compare(torch.randn(2, 1, 8, 8), torch.ones(2, 1, 8, 8)))
        ['loss_dice', 'loss_tversky']

    Args:
        class_losses: Losses over classes by name; the name ``x`` is reported as ``loss_x``. Their own ``loss_weight``
            weighs them.
        pixel_losses: Losses over pixels, likewise.
        resolution: See :class:`MaskLoss`, like the last two.
        reduction: See there.
        align_corners: See there.

    Raises:
        ValueError: If there is no loss, or two have one name.
    """

    def __init__(
        self,
        class_losses: dict | None = None,
        pixel_losses: dict | None = None,
        resolution: str = 'input',
        reduction: str = 'half',
        align_corners: bool = True,
    ) -> None:
        super().__init__(resolution, reduction, align_corners)
        class_losses, pixel_losses = class_losses or {}, pixel_losses or {}
        if not (class_losses or pixel_losses) or class_losses.keys() & pixel_losses.keys():
            raise ValueError(
                'SegmentationLosses needs at least one loss, and a name of its own for each: class_losses are '
                f'{sorted(class_losses)}, pixel_losses {sorted(pixel_losses)}'
            )
        self.class_losses = nn.ModuleDict({name: build_in_its_scope(loss) for name, loss in class_losses.items()})
        self.pixel_losses = nn.ModuleDict({name: build_in_its_scope(loss) for name, loss in pixel_losses.items()})

    def compare(self, logits: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Return ``loss_<name>`` of every loss for ``logits`` and ``masks``, both (B, 1, h, w)."""
        classes = torch.cat([torch.zeros_like(logits), logits], dim=1)  # (B, 2, h, w)
        labels = (masks.squeeze(1) >= 0.5).long()  # (B, h, w)
        losses = {name: loss(classes, labels) for name, loss in self.class_losses.items()}
        losses |= {name: loss(logits, masks) for name, loss in self.pixel_losses.items()}
        return {f'loss_{name}': value for name, value in losses.items()}
