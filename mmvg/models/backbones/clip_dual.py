"""Encode image and text with two CLIP towers and a small transformer over both."""

import zipfile
from pathlib import Path

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.features import GroundingFeatures
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import load_state_dict, load_state_dict_file

#: In CLIP's files, but not used here: the temperature, three integers of OpenAI's archives, the causal mask of traced
#: models.
UNUSED_IN_CLIP_FILES = ('logit_scale', 'input_resolution', 'context_length', 'vocab_size', 'attn_mask')


@MODELS.register_module()
class CLIPDualEncoder(BaseModule):
    """Encode image and text with CLIP's towers and fusion layers on top: CLIP-ViT-B of InstanceVG's Table 17.

    Patch and token features go through the last LayerNorm and CLIP's own projection into the common space; a type
    embedding is added to each, and pre-norm transformer layers attend among all of them. The paper says no more than
    "a 3-layer Transformer"; the rest of the fusion is our choice. The towers are open_clip's; the defaults are those of
    OpenAI's ViT-B/16. Images should be normalised with CLIP's own mean and standard deviation.

    Args:
        img_size: Side of the square input in pixels.
        patch_size: Side of a patch in pixels.
        image_channels: Width of the image tower.
        image_layers: Layers of the image tower.
        text_channels: Width of the text tower.
        text_layers: Layers of the text tower.
        head_channels: Channels per head in both towers.
        embed_dims: Width C of the common space and of the fusion layers.
        fusion_layers: Number of layers over both.
        fusion_heads: Heads of the fusion layers.
        fusion_ffn_channels: Hidden channels of the FFNs of the fusion layers.
        dropout: Dropout in the fusion layers.
        vocab_size: Rows of the token table.
        max_text_positions: Rows of the text position table.
        quick_gelu: x * sigmoid(1.702 x) instead of GELU in the towers; True for OpenAI's weights.
        checkpoint: Local file with CLIP's weights, read by :meth:`init_weights`: OpenAI's TorchScript archive, or a
            state dict with the names of open_clip. Half precision becomes float32; image positions are resized to
            ``img_size`` as open_clip does it.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import CLIPDualEncoder
        >>> encoder = CLIPDualEncoder(
        ...     img_size=32, patch_size=8, image_channels=16, image_layers=1, text_channels=16, text_layers=1,
        ...     head_channels=8, embed_dims=8, fusion_layers=1, fusion_heads=2, vocab_size=10
        ... ).eval()
        >>> images, ids, text_mask = torch.randn(2, 3, 32, 32), torch.randint(5, 9, (2, 4)), torch.ones(2, 4).bool()
        >>> features = encoder(images, ids, text_mask)
        >>> [tuple(x.shape) for x in features.images], tuple(features.text.shape), tuple(features.sentence.shape)
        ([(2, 8, 4, 4)], (2, 4, 8), (2, 8))
    """

    #: Weights of image and text alone.
    towers = dict(
        image=('clip.visual',),
        text=(
            'clip.token_embedding',
            'clip.positional_embedding',
            'clip.transformer',
            'clip.ln_final',
            'clip.text_projection',
        ),
    )

    def __init__(
        self,
        img_size: int = 320,
        patch_size: int = 16,
        image_channels: int = 768,
        image_layers: int = 12,
        text_channels: int = 512,
        text_layers: int = 12,
        head_channels: int = 64,
        embed_dims: int = 512,
        fusion_layers: int = 3,
        fusion_heads: int = 8,
        fusion_ffn_channels: int = 2048,
        dropout: float = 0.1,
        vocab_size: int = 49408,
        max_text_positions: int = 77,
        quick_gelu: bool = True,
        checkpoint: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

        if img_size % patch_size:
            raise ValueError(f'CLIPDualEncoder: img_size {img_size} must be a multiple of patch_size {patch_size}')
        self.img_size = img_size
        self.grid_size = img_size // patch_size
        self.max_text_positions = max_text_positions
        self.checkpoint = checkpoint
        self.clip = CLIP(
            embed_dims,
            CLIPVisionCfg(
                layers=image_layers,
                width=image_channels,
                head_width=head_channels,
                patch_size=patch_size,
                image_size=img_size,
                output_tokens=True,
            ),
            CLIPTextCfg(
                context_length=max_text_positions,
                vocab_size=vocab_size,
                width=text_channels,
                heads=text_channels // head_channels,
                layers=text_layers,
            ),
            quick_gelu=quick_gelu,
        )
        del self.clip.logit_scale
        self.type_embedding = nn.Parameter(torch.zeros(2, embed_dims))
        nn.init.trunc_normal_(self.type_embedding, std=0.02)
        layer = nn.TransformerEncoderLayer(
            embed_dims, fusion_heads, fusion_ffn_channels, dropout, 'gelu', batch_first=True, norm_first=True
        )
        self.fusion = nn.TransformerEncoder(layer, fusion_layers, nn.LayerNorm(embed_dims), enable_nested_tensor=False)
        for parameter in self.fusion.parameters():  # the layers start as copies of one another
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def init_weights(self) -> None:
        """Load ``checkpoint`` into the towers, if there is one.

        Raises:
            FileNotFoundError: If there is no such file.
            CheckpointError: If it is not CLIP's, or CLIP's in another size.
        """
        super().init_weights()
        if self.checkpoint is None:
            return
        from open_clip.model import resize_pos_embed

        state = {name: value.float() for name, value in read_clip_weights(self.checkpoint).items()}
        resize_pos_embed(state, self.clip)
        load_state_dict(self.clip, state, self.checkpoint, allowed_unexpected=UNUSED_IN_CLIP_FILES)

    def forward(self, images: Tensor, input_ids: Tensor, text_mask: Tensor) -> GroundingFeatures:
        """Encode ``images`` (B, 3, S, S) with ``input_ids`` (B, L); ``text_mask`` (B, L) is True for a real token.

        Returns:
            One map (B, C, g, g), token features (B, L, C), the mask, and the fused state of the last real token, CLIP's
            end of text, as the sentence (B, C). Features of padded tokens mean nothing.

        Raises:
            ValueError: If the images are not ``img_size`` a side, or the text is longer than the position table.
        """
        if images.shape[-2:] != (self.img_size, self.img_size):
            raise ValueError(
                f'CLIPDualEncoder was built for {self.img_size} pixels a side, but got {tuple(images.shape)}'
            )
        text_mask = text_mask.bool()
        visual = self.clip.visual(images)[1] @ self.clip.visual.proj
        tokens = torch.cat(
            [visual + self.type_embedding[0], self._encode_text(input_ids) + self.type_embedding[1]], dim=1
        )
        padding = torch.cat([text_mask.new_zeros(visual.shape[:2]), ~text_mask], dim=1)
        tokens = self.fusion(tokens, src_key_padding_mask=padding)
        image, text = tokens.split([visual.shape[1], input_ids.shape[1]], dim=1)
        last = (text_mask * torch.arange(text.shape[1], device=text.device)).argmax(dim=1)
        return GroundingFeatures(
            images=[image.transpose(1, 2).unflatten(2, (self.grid_size, self.grid_size))],
            text=text,
            text_mask=text_mask,
            sentence=text[torch.arange(text.shape[0], device=text.device), last],
        )

    def _encode_text(self, input_ids: Tensor) -> Tensor:
        """Return CLIP's text features (B, L, C) in the common space; each token sees those before it."""
        clip, length = self.clip, input_ids.shape[1]
        if length > self.max_text_positions:
            raise ValueError(
                f'CLIPDualEncoder reads at most {self.max_text_positions} tokens, but got {tuple(input_ids.shape)}'
            )
        tokens = clip.token_embedding(input_ids) + clip.positional_embedding[:length]
        tokens = clip.transformer(tokens, attn_mask=clip.attn_mask[:length, :length])
        return clip.ln_final(tokens) @ clip.text_projection


def read_clip_weights(path: str | Path) -> dict[str, Tensor]:
    """Read CLIP's weights from OpenAI's TorchScript archive or from a state dict.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it is neither.
    """
    path = Path(path).expanduser()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            is_torchscript = any(name.endswith('/constants.pkl') for name in archive.namelist())
        if is_torchscript:
            return torch.jit.load(path, map_location='cpu').state_dict()
    return load_state_dict_file(path)
