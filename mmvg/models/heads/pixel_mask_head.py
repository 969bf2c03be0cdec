"""Predict a mask straight from a decoder's map."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.features import GroundingFeatures
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@MODELS.register_module()
class PixelMaskHead(BaseModule):
    """Predict the mask by a 1x1 convolution of ``features.pixels`` (LAVT, arXiv:2112.02244).

    Args:
        in_channels: Channels C of the map.
        mask_loss: A :class:`MaskLoss`, usually :class:`BinaryMaskLoss`.
        postprocess: Usually a :class:`mmvg.models.postprocess.MaskPostprocess`.
        num_logits: 1, or 2 for background and foreground as in LAVT; the mask logit is then their difference.

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
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_choice('PixelMaskHead.num_logits', num_logits, (1, 2))
        self.classify = nn.Conv2d(in_channels, num_logits, 1)
        self.mask_loss = MODELS.build(mask_loss)
        self.postprocess = MODELS.build(postprocess)

    def forward(self, features: GroundingFeatures) -> dict[str, Tensor]:
        """Return ``mask_logits`` (B, 1, h, w).

        Raises:
            ValueError: If no neck made ``pixels``.
        """
        if features.pixels is None:
            raise ValueError("PixelMaskHead reads 'pixels', which a pixel decoder has to fill in; add one to the neck")
        logits = self.classify(features.pixels)
        return dict(mask_logits=logits[:, -1:] - logits[:, :-1] if logits.shape[1] == 2 else logits)

    def loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        """Return the named losses of ``mask_loss``."""
        logits = self(features)['mask_logits']
        return self.mask_loss(logits, GroundingTargets.from_samples(data_samples, logits.device))

    def predict(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> list[GroundingSample]:
        """Return ``data_samples`` with the mask of each expression."""
        return self.postprocess(self(features)['mask_logits'], data_samples)
