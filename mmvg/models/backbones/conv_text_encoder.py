"""A small image encoder and a small text encoder, to train from scratch."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import conv_bn_relu, encode_once
from mmvg.registry import MODELS


class ResidualBlock(nn.Module):
    """Compute ReLU(x + two 3x3 convolutions of x), with BatchNorm.

    Args:
        channels: Width C.
        zero_init: Start as the identity of maps that a ReLU has made: the last BatchNorm multiplies by zero.
    """

    def __init__(self, channels: int, zero_init: bool = False) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *conv_bn_relu(channels, channels),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        if zero_init:
            nn.init.zeros_(self.body[-1].weight)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape of ``x`` (B, C, h, w)."""
        return (x + self.body(x)).relu()


@MODELS.register_module()
class ConvTextEncoder(BaseModule):
    """Encode the image by convolutions and the words by a transformer, to train from scratch.

    Each stage halves the map with one convolution, and residual blocks follow. Word vectors start as far apart as
    independent noise puts them, which lets a model tell words apart from its first step on. The sentence is the mean of
    its words.

    Args:
        image_channels: Width of each stage; the first has stride 2.
        image_blocks: Residual blocks of each stage.
        text_channels: Width C of the words.
        text_layers: Number of pre-norm layers over the words.
        text_heads: Heads of these layers.
        sentence_channels: Width of the sentence.
        vocab_size: Rows of the token table.
        max_text_positions: Rows of the text position table.
        first_map: Index of the finest stage whose map is given.
        norm_counts_images: In training, BatchNorm counts an image once, whatever the number of texts about it, so that
            ``--expressions-per-image`` encodes it once; ``False`` counts it with every text.
        zero_init_residual: Let residual blocks start as the identity, so that new ones do not disturb a tower that has
            learned.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import ConvTextEncoder
        >>> encoder = ConvTextEncoder(
        ...     image_channels=(4, 8), image_blocks=(0, 1), text_channels=8, text_layers=1, text_heads=2
        ... ).eval()
        >>> images, ids, text_mask = torch.randn(2, 3, 32, 32), torch.randint(5, 9, (2, 4)), torch.ones(2, 4).bool()
        >>> features = encoder(images, ids, text_mask)
        >>> [tuple(x.shape) for x in features.images], tuple(features.text.shape), tuple(features.sentence.shape)
        ([(2, 4, 16, 16), (2, 8, 8, 8)], (2, 4, 8), (2, 64))
    """

    def __init__(
        self,
        image_channels: Sequence[int] = (24, 48, 96),
        image_blocks: Sequence[int] = (0, 1, 2),
        text_channels: int = 64,
        text_layers: int = 2,
        text_heads: int = 4,
        sentence_channels: int = 64,
        vocab_size: int = 128,
        max_text_positions: int = 32,
        first_map: int = 0,
        norm_counts_images: bool = False,
        zero_init_residual: bool = False,
    ) -> None:
        super().__init__()
        self.norm_counts_images = norm_counts_images
        self.max_text_positions = max_text_positions
        self.first_map = first_map
        self.stages = nn.ModuleList()
        for before, channels, blocks in zip((3, *image_channels), image_channels, image_blocks, strict=False):
            down = conv_bn_relu(before, channels)
            down[0] = nn.Conv2d(before, channels, 4, stride=2, padding=1, bias=False)  # looks at the middle of a cell
            more = (ResidualBlock(channels, zero_init_residual) for _ in range(blocks))
            self.stages.append(nn.Sequential(*down, *more))
        self.words = nn.Embedding(vocab_size, text_channels)
        self.positions = nn.Parameter(0.3 * torch.randn(max_text_positions, text_channels))
        layer = nn.TransformerEncoderLayer(
            text_channels, text_heads, 2 * text_channels, dropout=0.0, batch_first=True, norm_first=True
        )
        norm = nn.LayerNorm(text_channels)
        self.text = nn.TransformerEncoder(layer, text_layers, norm, enable_nested_tensor=False)
        self.sentence = nn.Linear(text_channels, sentence_channels)

    #: An encoder that sets this is given ``image_index``.
    shares_images = True

    def forward(
        self, images: Tensor, input_ids: Tensor, text_mask: Tensor, image_index: Tensor | None = None
    ) -> GroundingFeatures:
        """Encode ``images`` (B, 3, H, W) and ``input_ids`` (B, L); ``text_mask`` (B, L) is True for a real token.

        With ``image_index`` (B,) there are U ``images``, and it says which of them each text is about.

        Raises:
            ValueError: If the text is longer than the position table.
        """
        counting = () if self.norm_counts_images else (self.stages,)
        maps = encode_once(self.encode_images, images, image_index, *counting)
        text, sentence = self.encode_sentence(input_ids, text_mask)
        return GroundingFeatures(images=maps, text=text, text_mask=text_mask.bool(), sentence=sentence)

    def encode_images(self, images: Tensor) -> list[Tensor]:
        """Encode ``images`` (U, 3, H, W) alone; returns the maps of all stages from ``first_map`` on."""
        maps = []
        for stage in self.stages:
            images = stage(images)
            maps.append(images)
        return maps[self.first_map :]

    def encode_sentence(self, input_ids: Tensor, text_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode ``input_ids`` (B, L) alone; returns tokens (B, L, C) and the sentence (B, C'').

        Raises:
            ValueError: If the text is longer than the position table.
        """
        length, text_mask = input_ids.shape[1], text_mask.bool()
        if length > self.max_text_positions:
            raise ValueError(
                f'ConvTextEncoder reads {self.max_text_positions} tokens, but got {tuple(input_ids.shape)}'
            )
        text = self.text(self.words(input_ids) + self.positions[:length], src_key_padding_mask=~text_mask)
        weights = text_mask / text_mask.sum(1, keepdim=True).clamp(min=1)
        return text, self.sentence((text * weights[..., None]).sum(1))
