"""Let a query and the cells of a map attend to each other and to the words, and leave out cells on the way: EEVG."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import TokenElimination, first_query_logits, take_out
from mmvg.registry import MODELS


@MODELS.register_module()
class LanguageDecoder(BaseModule):
    """Decode a map with the words as memory, in front of it a learned [REG] token that collects what the box needs.

    The decoder of EEVG (arXiv:2408.01120): post-norm layers in which [REG] and the cells attend to each other, then to
    the words. Learned positions are added to queries and keys. After the self-attention of each layer cells that [REG]
    hardly looks at may be left out: of the attentions that follow, and of the map, where they become 0.

    Args:
        img_size: Side of the input in pixels.
        patch_size: Stride of the map.
        max_length: Tokens that a text may have.
        embed_dims: Channels C of map and text.
        num_layers: Number of layers.
        num_heads: Heads of both attentions.
        ffn_channels: Hidden channels of the FFNs.
        dropout: Dropout on attention weights, on the result of each part, and inside the FFNs.
        position_std: Standard deviation of fresh positions, and of [REG].
        elimination: A :class:`mmvg.models.layers.TokenElimination`; None keeps all cells.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.fusions import LanguageDecoder
        >>> decoder = LanguageDecoder(
        ...     img_size=32, patch_size=8, max_length=6, embed_dims=8, num_heads=2, ffn_channels=16
        ... )
        >>> text, text_mask = torch.randn(2, 5, 8), torch.ones(2, 5).bool()
        >>> features = decoder(GroundingFeatures(images=[torch.randn(2, 8, 4, 4)], text=text, text_mask=text_mask))
        >>> features.images[0].shape, features.query_states.shape
        (torch.Size([2, 8, 4, 4]), torch.Size([1, 2, 1, 8]))
    """

    #: In front of the cells.
    leading_tokens = 1

    def __init__(
        self,
        img_size: int,
        patch_size: int,
        max_length: int,
        embed_dims: int = 768,
        num_layers: int = 3,
        num_heads: int = 8,
        ffn_channels: int = 1024,
        dropout: float = 0.1,
        position_std: float = 1.0,
        elimination: dict | None = None,
    ) -> None:
        super().__init__()
        self.grid_size = img_size // patch_size
        self.max_length = max_length
        self.position_std = position_std
        self.query = nn.Parameter(torch.empty(1, 1, embed_dims))
        self.positions = nn.Parameter(torch.empty(1, 1 + self.grid_size**2, embed_dims))
        self.text_positions = nn.Parameter(torch.empty(1, max_length, embed_dims))
        self.layers = nn.ModuleList(
            _DecoderLayer(embed_dims, num_heads, ffn_channels, dropout, batch_first=True) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(embed_dims)
        self.elimination: TokenElimination | None = None if elimination is None else MODELS.build(elimination)
        self._draw_weights()

    def _draw_weights(self) -> None:
        """Draw matrices by Xavier's rule, positions and [REG] from a normal distribution."""
        for parameter in self.layers.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        for parameter in (self.query, self.positions, self.text_positions):
            nn.init.normal_(parameter, std=self.position_std)

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Replace ``images``, one map (B, C, h, w), set ``query_states`` (1, B, 1, C), and ``kept`` if cells may go.

        Raises:
            ValueError: If there is not exactly one map, it has another size, or the text is longer than ``max_length``.
        """
        self._check(features)
        (image,), text = features.images, features.text
        size, batch = image.shape[-2:], image.shape[0]
        tokens = torch.cat([self.query.expand(batch, -1, -1), image.flatten(2).transpose(1, 2)], 1)
        positions, kept, places = self.positions, None, None
        words = text + self.text_positions[:, : text.shape[1]], text, ~features.text_mask.bool()
        for layer in self.layers:
            looking = tokens + positions
            tokens = layer.look_around(tokens, looking, kept)
            if self.elimination is not None:
                logits = first_query_logits(layer.self_attn, looking)
                kept = torch.ones_like(logits, dtype=torch.bool) if kept is None else kept
                kept = self.elimination(logits, kept, size, places)
                if self.elimination.compact and not torch.compiler.is_compiling():
                    tokens, positions, kept, places = take_out(tokens, positions, kept, places)
            tokens = layer.read(tokens, positions, *words)
        tokens = self.norm(tokens)
        cells = tokens[:, 1:] if kept is None else tokens[:, 1:] * kept.unsqueeze(2)
        if places is not None:
            whole = cells.new_zeros(batch, image[0, 0].numel(), cells.shape[2])
            cells = whole.scatter(1, places.unsqueeze(2).expand_as(cells), cells)
            kept = torch.zeros_like(whole[..., 0], dtype=torch.bool).scatter(1, places, kept)
        return features.replace(
            images=[cells.transpose(1, 2).unflatten(2, size)],
            query_states=tokens[None, :, :1],
            kept=None if kept is None else kept.unflatten(1, size),
        )

    def _check(self, features: GroundingFeatures) -> None:
        sizes = [tuple(image.shape[-2:]) for image in features.images]
        if sizes != [(self.grid_size, self.grid_size)]:
            raise ValueError(f'LanguageDecoder was built for one map of {self.grid_size} cells a side, but got {sizes}')
        if features.text.shape[1] > self.max_length:
            raise ValueError(
                f'LanguageDecoder has positions for {self.max_length} tokens, but got {features.text.shape[1]}; set '
                'max_length'
            )


class _DecoderLayer(nn.TransformerDecoderLayer):
    """PyTorch's layer, post-norm with ReLU, whose two attentions are called one by one and with positions."""

    def look_around(self, tokens: Tensor, looking: Tensor, kept: Tensor | None) -> Tensor:
        """Let [REG] and cells attend to each other.

        Args:
            tokens: (B, 1 + n, C).
            looking: The same with positions: queries and keys.
            kept: (B, n) bool, the cells that are looked at; None is all.
        """
        hidden = None if kept is None else torch.cat([torch.zeros_like(kept[:, :1]), ~kept], 1)
        seen, _ = self.self_attn(looking, looking, tokens, key_padding_mask=hidden, need_weights=False)
        return self.norm1(tokens + self.dropout1(seen))

    def read(self, tokens: Tensor, positions: Tensor, keys: Tensor, words: Tensor, padding: Tensor) -> Tensor:
        """Let ``tokens`` (B, 1 + n, C) read ``words`` (B, L, C), and pass the FFN; ``padding`` (B, L) is left out."""
        read, _ = self.multihead_attn(tokens + positions, keys, words, key_padding_mask=padding, need_weights=False)
        tokens = self.norm2(tokens + self.dropout2(read))
        return self.norm3(tokens + self._ff_block(tokens))
