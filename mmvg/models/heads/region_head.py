"""The head of RaAM-RVG: which regions hold a target, its box and its mask."""

from math import gcd

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.models.layers import MLP
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.features import GroundingFeatures
from mmvg.models.layers.region_grid import grid_side
from mmvg.models.losses import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@MODELS.register_module()
class RegionHead(BaseModule):
    """Predict the presence of a target in each region, a mask, and perhaps a box, from one map R (B, C, h, w).

    This is the region-aware prediction of RaAM-RVG (Ouyang et al., ICCV 2025, Sec. 3.5), which says no more than "MLP
    prediction heads": presence is told from the mean of each region by an MLP of its own, the box from a narrower map
    pooled to the same grid, the mask from each token, which draws its patch of pixels.

    Args:
        in_channels: Channels C of R.
        patch_size: Stride of R in input pixels: the side of the patch that a token draws.
        region_loss: Usually a :class:`RegionPresenceLoss`.
        mask_loss: A :class:`MaskLoss`, usually :class:`EdgeWeightedMaskLoss`.
        postprocess: A :class:`mmvg.models.postprocess.MaskPostprocess`; its ``score_thr`` is compared with the target
            score.
        box_loss: Usually a :class:`SingleBoxLoss`; ``None`` leaves the box out, as for GRES.
        hidden_channels: Width of the hidden layers.
        num_regions: N, a square number.
        regions_decide: Whether the answer is "no target", with an empty mask, if no region is said to hold one, as in
            GRES. Otherwise there always is a target, unless a metric judges by the mask.
        target_score: How the presence p of the regions becomes the target score: ``'max'``, the highest p, is the
            paper's "no region"; ``'any'`` is 1 - prod(1 - p), as if regions were independent. The latter weighs all
            regions and wants a higher threshold, because a target usually reaches into several.

    Raises:
        ValueError: If ``target_score`` is unknown.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads import RegionHead
        >>> head = RegionHead(
        ...     in_channels=8,
        ...     patch_size=4,
        ...     region_loss=dict(type='RegionPresenceLoss'),
        ...     mask_loss=dict(type='EdgeWeightedMaskLoss'),
        ...     postprocess=dict(type='MaskPostprocess'),
        ...     box_loss=dict(type='SingleBoxLoss'),
        ... )
        >>> outputs = head(GroundingFeatures(images=[torch.randn(2, 8, 8, 8)]))
        >>> {name: tuple(x.shape) for name, x in outputs.items()}
        {'presence_logits': (2, 16), 'mask_logits': (2, 1, 32, 32), 'boxes_cxcywh_norm': (2, 4)}
    """

    def __init__(
        self,
        in_channels: int,
        patch_size: int,
        region_loss: dict,
        mask_loss: dict,
        postprocess: dict,
        box_loss: dict | None = None,
        hidden_channels: int = 256,
        num_regions: int = 16,
        regions_decide: bool = False,
        target_score: str = 'max',
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_choice('RegionHead.target_score', target_score, ('max', 'any'))
        side = grid_side(num_regions)
        self.presence = PresenceBranch(in_channels, hidden_channels, num_regions)
        self.reduce = ConvModule(
            in_channels,
            hidden_channels,
            1,
            norm_cfg=dict(type='GN', num_groups=gcd(32, hidden_channels)),
            act_cfg=dict(type='GELU'),
        )
        self.box = None if box_loss is None else RegionBoxBranch(hidden_channels, side)
        self.mask = PatchMaskBranch(hidden_channels, patch_size)
        self.region_loss = MODELS.build(region_loss)
        self.mask_loss = MODELS.build(mask_loss)
        self.box_loss = None if box_loss is None else MODELS.build(box_loss)
        self.regions_decide = regions_decide
        self.target_score = target_score
        self.postprocess = MODELS.build(postprocess)

    def forward(self, features: GroundingFeatures) -> dict[str, Tensor | None]:
        """Return the raw outputs by name.

        - ``presence_logits`` (B, N), row-major over the grid of regions.
        - ``mask_logits`` (B, 1, H, W), at the size of the input.
        - ``boxes_cxcywh_norm`` (B, 4), fractions of the input image, or ``None``.
        """
        regions = features.images[-1]
        reduced = self.reduce(regions)
        return dict(
            presence_logits=self.presence(regions),
            mask_logits=self.mask(reduced),
            boxes_cxcywh_norm=None if self.box is None else self.box(reduced),
        )

    def loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        """Return the named losses, already weighted; their plain sum is eq. 14 with a box, eq. 15 without.

        Raises:
            ValueError: If ground truth is not in input pixels or lacks masks, or the masks are not as large as the
                input.
        """
        outputs = self(features)
        targets = GroundingTargets.from_samples(data_samples, outputs['mask_logits'].device)
        size = tuple(outputs['mask_logits'].shape[-2:])
        if size != targets.input_shape:
            raise ValueError(
                f'RegionHead: masks are {size}, the input is {targets.input_shape}; patch_size must be the stride of '
                'the map'
            )
        losses = self.region_loss(outputs['presence_logits'], targets)
        losses |= self.mask_loss(outputs['mask_logits'], targets)
        if self.box_loss is not None:
            losses |= self.box_loss(outputs['boxes_cxcywh_norm'], targets)
        return losses

    @torch.no_grad()
    def predict(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> list[GroundingSample]:
        """Return ``data_samples`` with mask and verdict, and one box that has the target score."""
        outputs = self(features)
        presence = outputs['presence_logits'].float().sigmoid()
        exists = presence.amax(1) if self.target_score == 'max' else 1 - (1 - presence).prod(1)
        samples = self.postprocess(outputs['mask_logits'], data_samples, exists if self.regions_decide else None)
        if self.box is not None:
            self.postprocess.add_boxes(samples, outputs['boxes_cxcywh_norm'], exists)
        return samples


class PresenceBranch(nn.Module):
    """Predict presence per region by an MLP of two layers, each region with weights of its own.

    The paper says "separate MLP prediction heads for each region".

    Args:
        in_channels: Channels C of the map.
        hidden_channels: Width of the hidden layers.
        num_regions: N.
    """

    def __init__(self, in_channels: int, hidden_channels: int, num_regions: int) -> None:
        super().__init__()
        self.side = grid_side(num_regions)
        self.weight1 = nn.Parameter(torch.empty(num_regions, in_channels, hidden_channels))
        self.bias1 = nn.Parameter(torch.zeros(num_regions, hidden_channels))
        self.weight2 = nn.Parameter(torch.empty(num_regions, hidden_channels, 1))
        self.bias2 = nn.Parameter(torch.zeros(num_regions, 1))
        for weight in (self.weight1, self.weight2):
            nn.init.uniform_(weight, -(weight.shape[1] ** -0.5), weight.shape[1] ** -0.5)

    def forward(self, regions: Tensor) -> Tensor:
        """Return logits (B, N) from the mean over each region of ``regions`` (B, C, h, w)."""
        means = F.adaptive_avg_pool2d(regions, self.side).flatten(2).transpose(1, 2)
        hidden = torch.einsum('bnc,ncd->bnd', means, self.weight1) + self.bias1
        return (torch.einsum('bnc,ncd->bnd', hidden.relu(), self.weight2) + self.bias2).squeeze(2)


class RegionBoxBranch(nn.Module):
    """Predict a box by an MLP on the means of all regions in their order, so that their place tells where the box is.

    Args:
        channels: Channels C of the map.
        side: Regions a side.
    """

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.mlp = nn.Sequential(
            nn.Linear(side * side * channels, channels),
            nn.ReLU(),
            MLP(channels, channels, 4, 2),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return boxes (B, 4), cxcywh in fractions of the input, in float32, from ``x`` (B, C, h, w)."""
        means = F.adaptive_avg_pool2d(x, self.side).flatten(2).transpose(1, 2)
        return self.mlp(means.flatten(1)).float().sigmoid()


class PatchMaskBranch(nn.Module):
    """Let every token draw a patch of p x p pixels with an MLP, and smooth the seams with a 5x5 convolution.

    This is the form of EEVG (arXiv:2408.01120), without its second sigmoid.

    Args:
        channels: Channels C of the map.
        patch_size: p.
        num_layers: Linear maps of the MLP.
    """

    def __init__(self, channels: int, patch_size: int, num_layers: int = 3) -> None:
        super().__init__()
        self.patch_size = patch_size
        hidden = [layer for _ in range(num_layers - 1) for layer in (nn.Conv2d(channels, channels, 1), nn.ReLU())]
        self.mlp = nn.Sequential(*hidden, nn.Conv2d(channels, patch_size**2, 1))
        self.smooth = nn.Conv2d(1, 1, 5, padding=2)

    def forward(self, x: Tensor, kept: Tensor | None = None) -> Tensor:
        """Return logits (B, 1, p*h, p*w) from ``x`` (B, C, h, w); cells that are not ``kept`` (B, h, w) draw zeros."""
        patches = self.mlp(x) if kept is None else self.mlp(x) * kept[:, None]
        return self.smooth(F.pixel_shuffle(patches, self.patch_size))
