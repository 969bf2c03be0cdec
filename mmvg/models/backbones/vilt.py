"""ViLT as a joint image-text encoder."""

from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from mmvg.models.features import GroundingFeatures
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import load_state_dict, load_state_dict_file
from mmvg.weights.transformers_folder import weights_in

#: In ViLT's files, but not used here: pooler, heads of the pre-training tasks, and counters of old releases.
_UNUSED = ('pooler.*', 'mlm_score.*', 'itm_score.*', 'classifier.*', 'rank_output.*', '*.position_ids')


@MODELS.register_module()
class ViLTEncoder(BaseModule):
    """Encode tokens and patches with ViLT's single transformer (arXiv:2102.03334), a backbone of InstanceVG's Table 17.

    The model is that of transformers, fed with patches in row-major order: its own image path shuffles them. Position
    embeddings are resized to the input as there (bilinear, aligned corners). The defaults are ViLT-B/32's; its map has
    stride 32. Images should be normalised with mean and standard deviation 127.5.

    Args:
        img_size: Side of the square input in pixels.
        patch_size: Side of a patch in pixels.
        embed_dims: Width C.
        num_layers: Number of layers.
        num_heads: Attention heads.
        ffn_channels: Hidden channels of the FFNs.
        vocab_size: Rows of the token table; BERT's by default.
        max_text_positions: Rows of the text position table.
        position_img_size: Input side that the table of image positions belongs to.
        dropout: Dropout on the hidden states and the attention weights.
        checkpoint: Local file, or a directory in the layout of transformers, read by :meth:`init_weights`.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import ViLTEncoder
        >>> encoder = ViLTEncoder(
        ...     img_size=32, patch_size=8, embed_dims=8, num_layers=1, num_heads=2, ffn_channels=16,
        ...     vocab_size=10, position_img_size=32
        ... ).eval()
        >>> images, ids, text_mask = torch.randn(2, 3, 32, 32), torch.randint(5, 9, (2, 4)), torch.ones(2, 4).bool()
        >>> features = encoder(images, ids, text_mask)
        >>> [tuple(x.shape) for x in features.images], tuple(features.text.shape), tuple(features.sentence.shape)
        ([(2, 8, 4, 4)], (2, 4, 8), (2, 8))
    """

    def __init__(
        self,
        img_size: int = 320,
        patch_size: int = 32,
        embed_dims: int = 768,
        num_layers: int = 12,
        num_heads: int = 12,
        ffn_channels: int = 3072,
        vocab_size: int = 30522,
        max_text_positions: int = 40,
        position_img_size: int = 384,
        dropout: float = 0.0,
        checkpoint: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        from transformers import ViltConfig, ViltModel

        if img_size % patch_size or position_img_size % patch_size:
            raise ValueError(
                f'ViLTEncoder: img_size {img_size} and position_img_size {position_img_size} must be multiples of '
                f'patch_size {patch_size}'
            )
        self.img_size = img_size
        self.grid_size = img_size // patch_size
        self.max_text_positions = max_text_positions
        self.checkpoint = checkpoint
        config = ViltConfig(
            vocab_size=vocab_size,
            max_position_embeddings=max_text_positions,
            hidden_size=embed_dims,
            num_hidden_layers=num_layers,
            num_attention_heads=num_heads,
            intermediate_size=ffn_channels,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            image_size=position_img_size,
            patch_size=patch_size,
        )
        self.vilt = ViltModel(config, add_pooling_layer=False)

    def init_weights(self) -> None:
        """Load ``checkpoint``, if there is one.

        Raises:
            FileNotFoundError: If there is no such file, or a directory without weights.
            CheckpointError: If it is not ViLT's, or ViLT's in another size.
        """
        super().init_weights()
        if self.checkpoint is None:
            return
        path = weights_in(Path(self.checkpoint).expanduser(), 'ViLT')
        state = {name.removeprefix('vilt.'): value.float() for name, value in load_state_dict_file(path).items()}
        load_state_dict(self.vilt, state, path, allowed_unexpected=_UNUSED)

    def forward(self, images: Tensor, input_ids: Tensor, text_mask: Tensor) -> GroundingFeatures:
        """Encode ``images`` (B, 3, S, S) with ``input_ids`` (B, L); ``text_mask`` (B, L) is True for a real token.

        Returns:
            One map (B, C, g, g), token features (B, L, C), the mask, and the first token, BERT's [CLS], as the sentence
            (B, C). Features of padded tokens mean nothing.

        Raises:
            ValueError: If the images are not ``img_size`` a side, or the text is longer than the position table.
        """
        if images.shape[-2:] != (self.img_size, self.img_size):
            raise ValueError(f'ViLTEncoder was built for {self.img_size} pixels a side, but got {tuple(images.shape)}')
        length = input_ids.shape[1]
        if length > self.max_text_positions:
            raise ValueError(
                f'ViLTEncoder reads at most {self.max_text_positions} tokens, but got {tuple(input_ids.shape)}; '
                'set max_length of the tokenizer'
            )
        text_mask = text_mask.bool()
        visual = self._embed_image(images)
        states = self.vilt(
            input_ids=input_ids,
            attention_mask=text_mask.long(),
            image_embeds=visual,
            pixel_mask=torch.ones(visual.shape[:2], dtype=torch.long, device=visual.device),
        ).last_hidden_state
        text, _, image = states.split([length, 1, self.grid_size**2], dim=1)
        return GroundingFeatures(
            images=[image.transpose(1, 2).unflatten(2, (self.grid_size, self.grid_size))],
            text=text,
            text_mask=text_mask,
            sentence=text[:, 0],
        )

    def _embed_image(self, images: Tensor) -> Tensor:
        """Return CLS and patches in row-major order (B, 1 + g*g, C), with their positions."""
        embeddings = self.vilt.embeddings
        patches = embeddings.patch_embeddings(images).flatten(2).transpose(1, 2)
        table = embeddings.position_embeddings
        side = round((table.shape[1] - 1) ** 0.5)
        grid = table[:, 1:].transpose(1, 2).unflatten(2, (side, side))
        grid = F.interpolate(grid, size=(self.grid_size, self.grid_size), mode='bilinear', align_corners=True)
        positions = torch.cat([table[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)
        cls_token = embeddings.cls_token.expand(patches.shape[0], -1, -1)
        return embeddings.dropout(torch.cat([cls_token, patches], dim=1) + positions)
