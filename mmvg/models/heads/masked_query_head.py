"""One learned query that looks for the mask, layer by layer within a smaller area."""

import torch
import torch.nn.functional as F
from mmdet.models.layers import SinePositionalEncoding
from mmdet.models.layers.transformer import Mask2FormerTransformerDecoder
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.features import GroundingFeatures
from mmvg.models.heads.masked_attention import closed_cells, coarse_maps
from mmvg.models.layers import detr_layer_cfg
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@MODELS.register_module()
class MaskedQueryHead(BaseModule):
    """Decode one query within the mask found so far (Mask2Former's decoder, arXiv:2112.01527, as MagNet's code has it).

    Each layer attends to one of the coarse maps, in turn from the coarsest, within the mask predicted so far. There is
    no class: the one query is always the object that the expression means.

    Args:
        in_channels: Channels C of ``features.images`` and ``features.pixels``.
        mask_loss: A :class:`MaskLoss`, usually :class:`BinaryMaskLoss`.
        postprocess: Usually a :class:`mmvg.models.postprocess.MaskPostprocess`.
        num_layers: Layers of the decoder.
        num_heads: Attention heads.
        ffn_channels: Hidden channels of the FFNs.
        num_levels: Number of maps that it attends to, the coarsest of ``features.images``.
        deep_supervision: What the masks before the last layer are learned by: ``'mean'``, the loss is the mean over all
            layers, so that it weighs against other losses as that of one mask; ``'sum'``, it is the sum, as in
            Mask2Former; ``'off'``, they have none.

    Raises:
        ValueError: If ``deep_supervision`` is unknown.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads import MaskedQueryHead
        >>> head = MaskedQueryHead(
        ...     in_channels=8,
        ...     mask_loss=dict(type='BinaryMaskLoss'),
        ...     postprocess=dict(type='MaskPostprocess'),
        ...     num_layers=3,
        ...     num_heads=2,
        ... )
        >>> maps = [torch.randn(2, 8, side, side) for side in (8, 4, 2)]
        >>> head(GroundingFeatures(images=maps, pixels=torch.randn(2, 8, 16, 16)))['mask_logits'].shape
        torch.Size([2, 1, 16, 16])
    """

    def __init__(
        self,
        in_channels: int,
        mask_loss: dict,
        postprocess: dict,
        num_layers: int = 9,
        num_heads: int = 8,
        ffn_channels: int = 2048,
        num_levels: int = 3,
        deep_supervision: str = 'mean',
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_choice('MaskedQueryHead.deep_supervision', deep_supervision, ('mean', 'sum', 'off'))
        self.num_heads = num_heads
        self.num_levels = num_levels
        self.deep_supervision = deep_supervision
        self.query = nn.Parameter(torch.zeros(1, 1, in_channels))
        self.query_position = nn.Parameter(torch.zeros(1, 1, in_channels))
        nn.init.normal_(self.query)
        nn.init.normal_(self.query_position)
        self.level_embedding = nn.Parameter(torch.zeros(num_levels, in_channels))
        nn.init.normal_(self.level_embedding)
        self.position = SinePositionalEncoding(in_channels // 2, normalize=True)
        self.decoder = Mask2FormerTransformerDecoder(
            num_layers, detr_layer_cfg(in_channels, num_heads, ffn_channels, dropout=0.0)
        )
        for parameter in self.decoder.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        self.mask_embedding = nn.Sequential(
            nn.Linear(in_channels, in_channels),
            nn.ReLU(),
            nn.Linear(in_channels, in_channels),
            nn.ReLU(),
            nn.Linear(in_channels, in_channels),
        )
        self.mask_loss = MODELS.build(mask_loss)
        self.postprocess = MODELS.build(postprocess)

    def forward(self, features: GroundingFeatures) -> dict[str, Tensor | list[Tensor]]:
        """Return ``mask_logits`` (B, 1, h, w), and ``aux_outputs``, those before the last layer.

        Raises:
            ValueError: If no neck made ``pixels``, or there are too few maps.
        """
        maps = coarse_maps(features, self.level_embedding, self.position, type(self).__name__)
        batch = features.pixels.shape[0]
        query = self.query.expand(batch, -1, -1)
        logits = [self._mask(query, features.pixels)]
        for i, layer in enumerate(self.decoder.layers):
            seen = maps[i % self.num_levels]
            reduced = F.interpolate(logits[-1].detach(), size=seen.size, mode='bilinear', align_corners=False)
            query = layer(
                query=query,
                key=seen.keys,
                value=seen.keys,
                query_pos=self.query_position.expand(batch, -1, -1),
                key_pos=seen.positions,
                cross_attn_mask=closed_cells(reduced, self.num_heads),
            )
            logits.append(self._mask(query, features.pixels))
        return dict(mask_logits=logits[-1], aux_outputs=logits[:-1])

    def loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        """Return the named losses of ``mask_loss``, under ``d<i>.`` for the masks before the last layer."""
        outputs = self(features)
        targets = GroundingTargets.from_samples(data_samples, features.pixels.device)
        losses = self.mask_loss(outputs['mask_logits'], targets)
        if self.deep_supervision == 'off':
            return losses
        for i, logits in enumerate(outputs['aux_outputs']):
            losses |= {f'd{i}.{name}': value for name, value in self.mask_loss(logits, targets).items()}
        share = 1 if self.deep_supervision == 'sum' else 1 / (len(outputs['aux_outputs']) + 1)
        return {name: share * value for name, value in losses.items()}

    def predict(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> list[GroundingSample]:
        """Return ``data_samples`` with the mask of each expression."""
        return self.postprocess(self(features)['mask_logits'], data_samples)

    def _mask(self, query: Tensor, pixels: Tensor) -> Tensor:
        """Return mask logits (B, 1, h, w) of ``query`` (B, 1, C)."""
        return torch.einsum('bqc,bchw->bqhw', self.mask_embedding(self.decoder.post_norm(query)), pixels)
