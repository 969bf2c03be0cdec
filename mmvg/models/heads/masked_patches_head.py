"""Reconstruct hidden patches of the picture from the others and the sentence: the image side of MaskedVLM."""

import torch
import torch.nn.functional as F
from mmdet.models.layers import SinePositionalEncoding
from mmengine.dist import get_rank
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.backbones.bert import bert_layers, run_bert_layers
from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import send
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@MODELS.register_module()
class MaskedPatchesHead(BaseModule):
    """Predict the pixels of hidden cells from the other cells and the words (MaskedVLM, arXiv:2208.02131).

    Beside a :class:`MaskGroundingHead` with ``inputs=['text', 'image']``, which predicts hidden words from the picture,
    it makes masked vision-language modelling, a baseline of MagNet (arXiv:2312.12198, Table 3(a)). Use it in
    ``aux_heads``; nothing of it is left at inference.

    MaskedVLM hides patches before the image encoder. Here cells are hidden of its coarsest map, as words are hidden
    from the predictor of MagNet, so that the picture is encoded once; what neighbours know of a cell is not hidden. The
    error is the mean square of pixels that are normalised patch by patch (MAE, arXiv:2111.06377).

    Args:
        image_channels: Channels of ``features.unfused``.
        text_channels: Channels of ``features.text``.
        patch_size: Stride of ``features.unfused``: the side of a patch in pixels.
        channels: Width C of the predictor.
        num_layers: Layers of the predictor.
        num_heads: Heads of the predictor.
        ffn_channels: Hidden channels of the FFNs of the predictor.
        dropout: Dropout in the predictor.
        mask_rate: Share of the cells that are hidden.
        loss_weight: Weight of the error.
        seed: Seed of the generator that chooses cells; the rank of the process is added.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.heads import MaskedPatchesHead
        >>> head = MaskedPatchesHead(8, 6, patch_size=4, channels=8, num_layers=1, num_heads=2)
        >>> text_mask = torch.ones(2, 5).bool()
        >>> features = GroundingFeatures(
        ...     images=[],
        ...     text=torch.randn(2, 5, 6),
        ...     text_mask=text_mask,
        ...     unfused=torch.randn(2, 8, 3, 3),
        ...     pictures=torch.randn(2, 3, 12, 12),
        ... )
        >>> list(head.loss(features, []))
        ['loss_patches']
    """

    #: The grounder hands on the pictures.
    needs_pictures = True

    def __init__(
        self,
        image_channels: int,
        text_channels: int,
        patch_size: int = 32,
        channels: int = 256,
        num_layers: int = 8,
        num_heads: int = 8,
        ffn_channels: int = 1024,
        dropout: float = 0.1,
        mask_rate: float = 0.6,
        loss_weight: float = 1.0,
        seed: int = 0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.patch_size = patch_size
        self.mask_rate = mask_rate
        self.loss_weight = loss_weight
        self.generator = torch.Generator().manual_seed(seed + get_rank())
        self.project_text = nn.Linear(text_channels, channels)
        self.project_image = nn.Sequential(nn.LayerNorm(image_channels), nn.Linear(image_channels, channels))
        self.position = SinePositionalEncoding(channels // 2, normalize=True)
        self.hidden_cell = nn.Parameter(torch.randn(channels) * 0.02)
        self.kind = nn.Parameter(torch.randn(2, channels) * 0.02)
        self.norm = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)
        self.predictor = bert_layers(num_layers, channels, num_heads, ffn_channels, dropout)
        self.to_pixels = nn.Linear(channels, 3 * patch_size**2)

    def loss(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> dict[str, Tensor]:
        """Return ``loss_patches``, the mean error over the hidden cells of the batch; 0 if none was chosen.

        Args:
            features: Reads ``text``, ``text_mask``, ``unfused`` and ``pictures``.
            data_samples: Not read.

        Raises:
            ValueError: If the pictures are not ``patch_size`` times as large as the map.
        """
        image, pictures = features.unfused, features.pictures
        size = tuple(side * self.patch_size for side in image.shape[-2:])
        if size != tuple(pictures.shape[-2:]):
            raise ValueError(
                f'MaskedPatchesHead: cells of {self.patch_size} pixels cover {size}, but the pictures are '
                f'{tuple(pictures.shape[-2:])}; patch_size must be the stride of the coarsest map'
            )
        drawn = torch.rand((len(image), image[0, 0].numel()), generator=self.generator) < self.mask_rate
        rows = send(drawn.flatten().nonzero()[:, 0], image.device)  # known on the host: nothing waits
        states = self._predict(features, send(drawn, image.device))
        answers = self.to_pixels(states.flatten(0, 1)[rows])  # (K, 3 * p * p)
        wanted = normalised_patches(pictures, self.patch_size).flatten(0, 1)[rows]
        error = (answers.float() - wanted).square().sum() / max(1, wanted.numel())
        return dict(loss_patches=self.loss_weight * error)

    def _predict(self, features: GroundingFeatures, hidden: Tensor) -> Tensor:
        """Return states (B, h*w, C) of the cells, of which ``hidden`` (B, h*w) are not seen."""
        image, text_mask = features.unfused, features.text_mask
        position = self.position(torch.zeros((1, *image.shape[-2:]), dtype=torch.bool, device=image.device))
        cells = self.project_image(image.flatten(2).transpose(1, 2))
        cells = torch.where(hidden[..., None], self.hidden_cell.to(cells.dtype), cells)
        cells = cells + position.flatten(2).transpose(1, 2) + self.kind[1]
        words = self.project_text(features.text) + self.kind[0]
        states = self.dropout(self.norm(torch.cat([words, cells], dim=1)))
        keep = torch.cat([text_mask.bool(), text_mask.new_ones(cells.shape[:2], dtype=torch.bool)], dim=1)
        return run_bert_layers(self.predictor, states, keep)[:, words.shape[1] :]


def normalised_patches(pictures: Tensor, patch_size: int) -> Tensor:
    """Cut pictures into patches, each of mean 0 and variance 1, in float32.

    Args:
        pictures: (B, 3, H, W).
        patch_size: p, which divides H and W.

    Returns:
        (B, h*w, 3 * p * p), row by row.
    """
    patches = F.unfold(pictures.float(), patch_size, stride=patch_size).transpose(1, 2)
    return F.layer_norm(patches, patches.shape[-1:], eps=1e-6)
