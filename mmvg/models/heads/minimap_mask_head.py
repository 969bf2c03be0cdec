"""One mask out of the masks of regions, and whether anything is meant."""

import torch
from mmdet.models.layers import MLP
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads.no_target_branch import target_probability
from mmvg.models.layers.region_grid import grid_side
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@MODELS.register_module()
class MinimapMaskHead(BaseModule):
    """Add up the masks of regions, each with a weight of its own (ReLA, arXiv:2306.00968).

    The weights of P x P regions are a minimap of the target. Whether there is one is told from the mean over regions.
    Weights and masks have two classes, background and target; all logits here are differences of the two.

    Args:
        in_channels: Channels C of the region features.
        decoder: Makes region features and filters, usually a :class:`RegionDecoder`.
        mask_loss: A :class:`MaskLoss`, usually :class:`BinaryMaskLoss` with class weights.
        minimap_loss: Usually a :class:`RegionMinimapLoss`.
        no_target_loss: Usually a :class:`NoTargetLoss`.
        postprocess: Usually a :class:`mmvg.models.postprocess.MaskPostprocess`; its ``score_thr`` is compared with the
            probability that there is a target.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads import MinimapMaskHead
        >>> head = MinimapMaskHead(
        ...     in_channels=8,
        ...     decoder=dict(type='RegionDecoder', in_channels=8, text_channels=6, num_regions=9, num_heads=2),
        ...     mask_loss=dict(type='BinaryMaskLoss'),
        ...     minimap_loss=dict(type='RegionMinimapLoss'),
        ...     no_target_loss=dict(type='NoTargetLoss'),
        ...     postprocess=dict(type='MaskPostprocess'),
        ... )
        >>> features = GroundingFeatures(
        ...     images=[torch.randn(2, 8, side, side) for side in (8, 4, 2)],
        ...     pixels=torch.randn(2, 8, 16, 16),
        ...     text=torch.randn(2, 5, 6),
        ...     text_mask=torch.ones(2, 5).bool(),
        ... )
        >>> {name: tuple(x.shape) for name, x in head(features).items()}
        {'mask_logits': (2, 1, 16, 16), 'minimap_logits': (2, 9), 'no_target_logits': (2, 2)}
    """

    def __init__(
        self,
        in_channels: int,
        decoder: dict,
        mask_loss: dict,
        minimap_loss: dict,
        no_target_loss: dict,
        postprocess: dict,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.decoder = MODELS.build(decoder)
        self.minimap = nn.Linear(in_channels, 2)
        self.existence = MLP(in_channels, in_channels, 2, 2)
        self.mask_loss = MODELS.build(mask_loss)
        self.minimap_loss = MODELS.build(minimap_loss)
        self.no_target_loss = MODELS.build(no_target_loss)
        self.postprocess = MODELS.build(postprocess)

    def forward(self, features: GroundingFeatures) -> dict[str, Tensor]:
        """Return the raw outputs by name.

        - ``mask_logits`` (B, 1, h, w).
        - ``minimap_logits`` (B, P*P), the weights of the regions, row-major over a square grid.
        - ``no_target_logits`` (B, 2), class 0 = has a target, class 1 = has none.
        """
        regions, filters = self.decoder(features)
        outside, inside = self.minimap(regions).unbind(-1)
        weights = inside - outside
        with torch.autocast(filters.device.type, enabled=False):  # sums of many unnormalised products
            weighted = torch.einsum('bq,bqc->bc', weights.float(), filters.float())
            masks = torch.einsum('bc,bchw->bhw', weighted, features.pixels.float())
        return dict(
            mask_logits=masks[:, None], minimap_logits=weights, no_target_logits=self.existence(regions).mean(1)
        )

    def loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        """Return the named losses of mask, minimap and verdict, already weighted."""
        outputs = self(features)
        targets = GroundingTargets.from_samples(data_samples, outputs['mask_logits'].device)
        return {
            **self.mask_loss(outputs['mask_logits'], targets),
            **self.minimap_loss(outputs['minimap_logits'], targets),
            **self.no_target_loss(outputs['no_target_logits'], targets),
        }

    @torch.no_grad()
    def predict(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> list[GroundingSample]:
        """Return ``data_samples`` with mask and verdict; the minimap is shown as ``pred_attention``."""
        outputs = self(features)
        minimaps = outputs['minimap_logits'].float().sigmoid()
        side = grid_side(minimaps.shape[1])
        for sample, minimap in zip(data_samples, minimaps.unflatten(1, (side, side)), strict=True):
            sample.pred_attention = minimap
        return self.postprocess(outputs['mask_logits'], data_samples, target_probability(outputs))
