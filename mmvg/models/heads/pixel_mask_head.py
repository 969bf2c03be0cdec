"""Predict a mask straight from a decoder's map."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.features import GroundingFeatures
from mmvg.models.heads.no_target_branch import NoTargetBranch, target_probability
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@MODELS.register_module()
class PixelMaskHead(BaseModule):
    """Predict the mask by a 1x1 convolution of ``features.pixels`` (LAVT, arXiv:2112.02244).

    With ``no_target_loss`` a branch of its own says whether anything is meant, as in the LAVT+ of R-RefCOCO
    (arXiv:2209.09554); without one that is told by the mask.

    Args:
        in_channels: Channels C of the map.
        mask_loss: A :class:`MaskLoss`, usually :class:`BinaryMaskLoss`.
        postprocess: Usually a :class:`mmvg.models.postprocess.MaskPostprocess`.
        num_logits: 1, or 2 for background and foreground as in LAVT; the mask logit is then their difference.
        no_target_loss: Usually a :class:`NoTargetLoss`; ``None`` leaves the branch out.
        detach_existence: Whether the branch alone learns from ``no_target_loss``, and the map does not.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads import PixelMaskHead
        >>> head = PixelMaskHead(8, mask_loss=dict(type='BinaryMaskLoss'), postprocess=dict(type='MaskPostprocess'))
        >>> head(GroundingFeatures(images=[], pixels=torch.randn(2, 8, 4, 4)))['mask_logits'].shape
        torch.Size([2, 1, 4, 4])
    """

    def __init__(
        self,
        in_channels: int,
        mask_loss: dict,
        postprocess: dict,
        num_logits: int = 1,
        no_target_loss: dict | None = None,
        detach_existence: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_choice('PixelMaskHead.num_logits', num_logits, (1, 2))
        self.classify = nn.Conv2d(in_channels, num_logits, 1)
        self.existence = None if no_target_loss is None else NoTargetBranch(in_channels)
        self.no_target_loss = None if no_target_loss is None else MODELS.build(no_target_loss)
        self.detach_existence = detach_existence
        self.mask_loss = MODELS.build(mask_loss)
        self.postprocess = MODELS.build(postprocess)

    def forward(self, features: GroundingFeatures) -> dict[str, Tensor]:
        """Return ``mask_logits`` (B, 1, h, w) and, with a branch for it, ``no_target_logits`` (B, 2): target, none.

        Raises:
            ValueError: If no neck made ``pixels``.
        """
        if features.pixels is None:
            raise ValueError("PixelMaskHead reads 'pixels', which a pixel decoder has to fill in; add one to the neck")
        logits = self.classify(features.pixels)
        outputs = dict(mask_logits=logits[:, -1:] - logits[:, :-1] if logits.shape[1] == 2 else logits)
        if self.existence is not None:
            pixels = features.pixels.detach() if self.detach_existence else features.pixels
            outputs['no_target_logits'] = self.existence(pixels)
        return outputs

    def loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        """Return the named losses of ``mask_loss`` and of ``no_target_loss``."""
        outputs = self(features)
        targets = GroundingTargets.from_samples(data_samples, features.pixels.device)
        losses = self.mask_loss(outputs['mask_logits'], targets)
        if self.no_target_loss is not None:
            losses |= self.no_target_loss(outputs['no_target_logits'], targets)
        return losses

    def predict(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> list[GroundingSample]:
        """Return ``data_samples`` with the mask of each expression, empty where the branch says that there is none."""
        outputs = self(features)
        return self.postprocess(outputs['mask_logits'], data_samples, target_probability(outputs))
