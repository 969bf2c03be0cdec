"""BEiT-3 as the joint image-text encoder of InstanceVG and SimVG (arXiv:2208.10442; Magneto, arXiv:2210.06423)."""

import copy

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmcv.cnn.bricks.drop import DropPath
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures
from mmvg.registry import MODELS
from mmvg.weights.conversion import load_beit3_weights

#: Rows 0 and 1 of both position tables are never read: token k of a segment has row k + 2.
POSITION_OFFSET = 2


class Multiway(nn.Module):
    """Hold one copy of a module for the image tokens (A) and one for the text tokens (B)."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.A = module
        self.B = copy.deepcopy(module)

    def forward(self, visual: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        return self.A(visual), self.B(text)


class MultiwayAttention(nn.Module):
    """Attend over both segments; projections and the LayerNorm before the last one exist per segment."""

    def __init__(self, embed_dims: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q_proj = Multiway(nn.Linear(embed_dims, embed_dims))
        self.k_proj = Multiway(nn.Linear(embed_dims, embed_dims))
        self.v_proj = Multiway(nn.Linear(embed_dims, embed_dims))
        self.out_proj = Multiway(nn.Linear(embed_dims, embed_dims))
        self.inner_attn_ln = Multiway(nn.LayerNorm(embed_dims, eps=1e-5))

    def _project(self, projection: Multiway, visual: Tensor, text: Tensor) -> Tensor:
        """Return (B, heads, S_v + L, C / heads)."""
        tokens = torch.cat(projection(visual, text), dim=1)
        return tokens.unflatten(2, (self.num_heads, -1)).transpose(1, 2)

    def forward(self, visual: Tensor, text: Tensor, key_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Attend among (B, S_v, C) and (B, L, C); ``key_mask`` (B, 1, 1, S_v + L) is True where a key may be seen.

        The fused kernels take the softmax in float32 whatever the dtype of their inputs.
        """
        query, key, value = (self._project(p, visual, text) for p in (self.q_proj, self.k_proj, self.v_proj))
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=key_mask)
        attended = attended.transpose(1, 2).flatten(2)
        visual, text = attended.split([visual.shape[1], text.shape[1]], dim=1)
        return self.out_proj(*self.inner_attn_ln(visual, text))


class FeedForward(nn.Module):
    """Apply Linear, exact GELU, LayerNorm on the hidden width, and Linear. (The GELU kernels compute in float32.)"""

    def __init__(self, embed_dims: int, hidden_dims: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(embed_dims, hidden_dims)
        self.ffn_layernorm = nn.LayerNorm(hidden_dims, eps=1e-5)
        self.fc2 = nn.Linear(hidden_dims, embed_dims)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(self.ffn_layernorm(F.gelu(self.fc1(tokens))))


class BEiT3Layer(nn.Module):
    """Apply pre-norm attention and feed-forward with inner LayerNorms (sub-LN), at one drop-path rate."""

    def __init__(self, embed_dims: int, num_heads: int, ffn_ratio: int, drop_path: float) -> None:
        super().__init__()
        self.self_attn_layer_norm = Multiway(nn.LayerNorm(embed_dims, eps=1e-5))
        self.self_attn = MultiwayAttention(embed_dims, num_heads)
        self.final_layer_norm = Multiway(nn.LayerNorm(embed_dims, eps=1e-5))
        self.ffn = Multiway(FeedForward(embed_dims, embed_dims * ffn_ratio))
        self.drop_path = DropPath(drop_path)

    def _add(self, tokens: tuple[Tensor, Tensor], branch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Add a branch to the residual stream; a sample's image and text tokens are dropped together."""
        if self.training and self.drop_path.drop_prob > 0:
            scale = self.drop_path(tokens[0].new_ones(len(tokens[0]), 1, 1))
            branch = [x * scale for x in branch]
        return tokens[0] + branch[0], tokens[1] + branch[1]

    def forward(self, visual: Tensor, text: Tensor, key_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        tokens = (visual, text)
        tokens = self._add(tokens, self.self_attn(*self.self_attn_layer_norm(*tokens), key_mask))
        return self._add(tokens, self.ffn(*self.final_layer_norm(*tokens)))


class BEiT3Encoder(nn.Module):
    """Hold the position tables, the layers and the final LayerNorm."""

    def __init__(
        self,
        num_positions: tuple[int, int],
        embed_dims: int,
        num_layers: int,
        num_heads: int,
        ffn_ratio: int,
        drop_path_rate: float,
    ) -> None:
        super().__init__()
        visual_rows, text_rows = num_positions
        self.embed_positions = nn.ModuleDict(
            dict(A=nn.Embedding(visual_rows, embed_dims), B=nn.Embedding(text_rows, embed_dims))
        )
        rates = [drop_path_rate * i / max(num_layers - 1, 1) for i in range(num_layers)]
        self.layers = nn.ModuleList(BEiT3Layer(embed_dims, num_heads, ffn_ratio, rate) for rate in rates)
        self.layer_norm = Multiway(nn.LayerNorm(embed_dims, eps=1e-5))

    def forward(self, visual: Tensor | None, text: Tensor, text_mask: Tensor) -> tuple[Tensor, Tensor]:
        positions = self.embed_positions
        # a text alone has no visual tokens
        visual = text[:, :0] if visual is None else visual + positions['A'].weight[POSITION_OFFSET:]
        text = text + positions['B'].weight[POSITION_OFFSET : POSITION_OFFSET + text.shape[1]]
        text = text * text_mask.unsqueeze(-1)
        key_mask = torch.cat([text_mask.new_ones(visual.shape[:2]), text_mask], dim=1)[:, None, None]
        for layer in self.layers:
            visual, text = layer(visual, text, key_mask)
        return self.layer_norm(visual, text)


class VisionEmbedding(nn.Module):
    """Turn images (B, 3, H, W) into the CLS token and patch tokens in row-major order (B, 1 + g*g, C)."""

    def __init__(self, proj: nn.Module, embed_dims: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.proj = proj

    def forward(self, images: Tensor) -> Tensor:
        patches = self.proj(images).flatten(2).transpose(1, 2)
        return torch.cat([self.cls_token.expand(patches.shape[0], -1, -1), patches], dim=1)


@MODELS.register_module()
class ConvStem(nn.Sequential):
    """Turn an image into patches by stride-2 convolutions with norm and GELU, and a 1x1 convolution (arXiv:2106.14881).

    It takes the place of a patch convolution in training from scratch, where it converges faster. It turns (B, 3, H, W)
    into (B, C, H/s, W/s) with s = 2 ** len(channels).

    Args:
        channels: Width after each stride-2 convolution.
        embed_dims: Output width C.
        patch_size: The stride s that the encoder expects.
        norm_cfg: Norm after each stride-2 convolution.
        kernel_size: Side of the kernels of the stride-2 convolutions. Even sides look at the middle of their cell; with
            3, as in the paper, cells look (s - 1) / 2 pixels up and left of it.

    Raises:
        ValueError: If the convolutions do not stride ``patch_size`` in all.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import ConvStem
        >>> ConvStem(channels=(4, 8), embed_dims=16, patch_size=4)(torch.randn(2, 3, 32, 32)).shape
        torch.Size([2, 16, 8, 8])
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        embed_dims: int,
        patch_size: int,
        norm_cfg: dict | None = None,
        kernel_size: int = 4,
    ) -> None:
        if 2 ** len(channels) != patch_size:
            raise ValueError(f'ConvStem: {len(channels)} stride-2 convolutions do not make a patch of {patch_size}')
        norm_cfg = norm_cfg or dict(type='BN')
        layers = [
            ConvModule(
                i,
                o,
                kernel_size,
                stride=2,
                padding=(kernel_size - 1) // 2,
                norm_cfg=norm_cfg,
                act_cfg=dict(type='GELU'),
            )
            for i, o in zip((3, *channels), channels, strict=False)
        ]
        super().__init__(*layers, nn.Conv2d(channels[-1], embed_dims, 1))


@MODELS.register_module()
class BEiT3(BaseModule):
    """Encode image patches and text tokens in one sequence with BEiT-3's multiway transformer (arXiv:2208.10442).

    Parameters carry the names of Microsoft's checkpoints without their prefix ``beit3.``; the ``mask_token``, which
    only pre-training reads, does not exist here. ``BEiT3-large`` has ``embed_dims=1024, num_layers=24, num_heads=16``.

    Args:
        img_size: Side of the square input in pixels.
        patch_size: Side of a patch in pixels; the grid has g = img_size / patch_size cells a side.
        embed_dims: Width C.
        num_layers: Number of layers.
        num_heads: Attention heads.
        ffn_ratio: Hidden width of the feed-forward over C.
        vocab_size: Rows of the token table.
        max_text_positions: Rows of the text position table; texts may have two tokens fewer.
        drop_path_rate: Rate of the last layer; it grows linearly from 0 at the first.
        position_std: Standard deviation of fresh position tables. BEiT-3 draws them from N(0, 1).
        weight_std: Standard deviation of fresh weights of the layers, cut at one of it. BEiT-3's 0.02 suits its width;
            a narrow encoder from scratch needs about 1 / sqrt(C), or its attention stays flat for long.
        patch_embed: Replaces the patch convolution, e.g. ``dict(type=ConvStem, channels=(32, 64, 128))``;
            gets ``embed_dims`` and ``patch_size`` too.
        checkpoint: Local file with pre-trained weights, Microsoft's or ours, read by :meth:`init_weights`. Its image
            positions are resized to ``img_size``, and its patches to ``patch_size``.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import BEiT3
        >>> encoder = BEiT3(
        ...     img_size=32, patch_size=8, embed_dims=16, num_layers=1, num_heads=2, vocab_size=10
        ... ).eval()
        >>> images, ids, text_mask = torch.randn(2, 3, 32, 32), torch.randint(5, 9, (2, 4)), torch.ones(2, 4).bool()
        >>> features = encoder(images, ids, text_mask)
        >>> [tuple(x.shape) for x in features.images], tuple(features.text.shape), tuple(features.sentence.shape)
        ([(2, 16, 4, 4)], (2, 4, 16), (2, 16))
    """

    #: Weights of image and text alone.
    towers = dict(image=('vision_embed', 'encoder.*.A.*'), text=('text_embed', 'encoder.*.B.*'))

    def __init__(
        self,
        img_size: int = 320,
        patch_size: int = 16,
        embed_dims: int = 768,
        num_layers: int = 12,
        num_heads: int = 12,
        ffn_ratio: int = 4,
        vocab_size: int = 64010,
        max_text_positions: int = 1024,
        drop_path_rate: float = 0.1,
        position_std: float = 1.0,
        weight_std: float = 0.02,
        patch_embed: dict | None = None,
        checkpoint: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if img_size % patch_size or embed_dims % num_heads:
            raise ValueError(
                f'BEiT3: img_size {img_size} must be a multiple of patch_size {patch_size}, '
                f'and embed_dims {embed_dims} of num_heads {num_heads}'
            )
        self.img_size = img_size
        self.grid_size = img_size // patch_size
        self.max_length = max_text_positions - POSITION_OFFSET
        self.position_std = position_std
        self.weight_std = weight_std
        self.checkpoint = checkpoint
        if patch_embed is None:
            proj = nn.Conv2d(3, embed_dims, patch_size, stride=patch_size)
        else:
            proj = MODELS.build(patch_embed, default_args=dict(embed_dims=embed_dims, patch_size=patch_size))
        self.text_embed = nn.Embedding(vocab_size, embed_dims)
        self.vision_embed = VisionEmbedding(proj, embed_dims)
        self.encoder = BEiT3Encoder(
            num_positions=(self.grid_size**2 + 1 + POSITION_OFFSET, max_text_positions),
            embed_dims=embed_dims,
            num_layers=num_layers,
            num_heads=num_heads,
            ffn_ratio=ffn_ratio,
            drop_path_rate=drop_path_rate,
        )

    def init_weights(self) -> None:
        """Draw fresh weights as torchscale does for BEiT-3, or load ``checkpoint``."""
        super().init_weights()
        if self.checkpoint is not None:
            load_beit3_weights(self, self.checkpoint)
            return
        for module in self.encoder.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=self.weight_std, a=-self.weight_std, b=self.weight_std)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.text_embed.weight, std=self.text_embed.embedding_dim**-0.5)
        for table in self.encoder.embed_positions.values():
            nn.init.normal_(table.weight, std=self.position_std)

    def forward(self, images: Tensor, input_ids: Tensor, text_mask: Tensor) -> GroundingFeatures:
        """Encode ``images`` (B, 3, S, S) with ``input_ids`` (B, L); ``text_mask`` (B, L) is True for a real token.

        Returns:
            One map (B, C, g, g), token features (B, L, C), the mask, and CLS (B, C) as the sentence. Features of padded
            tokens mean nothing.

        Raises:
            ValueError: If the images are not ``img_size`` a side, or the text is longer than the position table.
        """
        if images.shape[-2:] != (self.img_size, self.img_size):
            raise ValueError(f'BEiT3 was built for {self.img_size} pixels a side, but got {tuple(images.shape)}')
        if input_ids.shape[1] > self.max_length:
            raise ValueError(f'BEiT3 reads at most {self.max_length} tokens, but got {tuple(input_ids.shape)}')
        text_mask = text_mask.bool()
        visual, text = self.encoder(self.vision_embed(images), self.text_embed(input_ids), text_mask)
        image = visual[:, 1:].transpose(1, 2).unflatten(2, (self.grid_size, self.grid_size))
        return GroundingFeatures(images=[image], text=text, text_mask=text_mask, sentence=visual[:, 0])

    @property
    def token_table(self) -> Tensor:
        """Embeddings (V, C) of the vocabulary."""
        return self.text_embed.weight

    def encode_text(self, input_ids: Tensor, text_mask: Tensor, token_embeddings: Tensor | None = None) -> Tensor:
        """Encode a text alone: (B, L, C) from ``input_ids`` (B, L), or from ``token_embeddings`` (B, L, C)."""
        tokens = self.text_embed(input_ids) if token_embeddings is None else token_embeddings
        return self.encoder(None, tokens, text_mask.bool())[1]
