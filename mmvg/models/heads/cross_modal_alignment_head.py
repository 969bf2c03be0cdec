"""MagNet's alignment loss as an auxiliary head."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, autocast, device, nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.losses.alignment_loss import AlignmentLoss
from mmvg.models.losses.mask_resolution import reduce_masks
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@MODELS.register_module()
class CrossModalAlignmentHead(BaseModule):
    """Pull the pixels of the target together and towards the text (CAL of MagNet, arXiv:2312.12198, Sec. 3.4).

    Use it in ``aux_heads`` of any grounder with ``pixels`` and ``text``. A cell is foreground if more than half of it
    is covered. Images that are all foreground or all background at this resolution are left out of the mean. Nothing of
    it is left at inference.

    Args:
        pixel_channels: Channels D of ``features.pixels``.
        text_channels: Channels of ``features.text``; its mean over the real tokens is projected to D.
        pixel_weight: Weight of P2P; 0 leaves it out of the sum.
        text_weight: Weight of P2T; with 0 there is no projection of the text.
        pixel_temperature: tau_1.
        text_temperature: tau_2.
        block_size: See :class:`AlignmentLoss`.

    Examples:
        >>> import torch
        >>> from mmengine.structures import InstanceData, PixelData
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads import CrossModalAlignmentHead
        >>> from mmvg.structures import GroundingSample
        >>> sample = GroundingSample(gt_instances=InstanceData(bboxes=torch.rand(1, 4)))
        >>> sample.set_metainfo(dict(img_shape=(16, 16)))
        >>> sample.gt_sem_seg = PixelData(sem_seg=torch.eye(2).repeat_interleave(8, 0).repeat_interleave(8, 1)[None])
        >>> sample.no_target = False
        >>> features = GroundingFeatures(
        ...     images=[], pixels=torch.randn(1, 8, 4, 4), text=torch.randn(1, 3, 6), text_mask=torch.ones(1, 3).bool()
        ... )
        >>> list(CrossModalAlignmentHead(pixel_channels=8, text_channels=6).loss(features, [sample]))
        ['loss_p2p', 'loss_p2t']
    """

    def __init__(
        self,
        pixel_channels: int,
        text_channels: int,
        pixel_weight: float = 0.5,
        text_weight: float = 0.5,
        pixel_temperature: float = 0.1,
        text_temperature: float = 0.1,
        block_size: int = 64,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.pixel_weight = pixel_weight
        self.text_weight = text_weight
        self.project = nn.Linear(text_channels, pixel_channels) if text_weight else None
        self.alignment = AlignmentLoss(pixel_temperature, text_temperature, block_size)

    def loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        """Return the weighted ``loss_p2p`` and ``loss_p2t``, without those of weight 0.

        Raises:
            ValueError: If no neck made ``pixels``, or the masks are missing.
        """
        if features.pixels is None:
            raise ValueError("CrossModalAlignmentHead reads 'pixels', which a pixel decoder has to fill in")
        with autocast(features.pixels.device.type, enabled=False):
            return self._loss(features, data_samples)

    def _loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        pixels = features.pixels.float()
        # on the host: it must know how many cells are foreground, and would have to wait for a GPU to tell
        union = GroundingTargets.from_samples(data_samples, device('cpu')).union
        if union is None:
            raise ValueError('CrossModalAlignmentHead needs gt_sem_seg on every sample')
        foreground = (reduce_masks(union, pixels.shape[-2:], 'area') > 0.5).flatten(1)
        text = None
        if self.project is not None:
            words = features.text_mask[..., None].float()
            text = self.project((features.text.float() * words).sum(1) / words.sum(1).clamp(min=1))
        losses = [
            torch.stack(self.alignment(pixels[i].flatten(1).t(), foreground[i], None if text is None else text[i]))
            for i in range(len(pixels))
            if foreground[i].any() and not foreground[i].all()
        ]
        # without such an image, zeros that every parameter still has a part in
        nothing = 0 * (pixels.sum() + (0 if text is None else text.sum()))
        p2p, p2t = torch.stack(losses).mean(0) if losses else (nothing, nothing)
        weighted = dict(loss_p2p=(self.pixel_weight, p2p), loss_p2t=(self.text_weight, p2t))
        return {name: weight * value for name, (weight, value) in weighted.items() if weight}
