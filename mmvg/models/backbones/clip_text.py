"""CLIP's text tower alone, for image towers that are not CLIP's."""

from pathlib import Path

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.models.backbones.clip_dual import UNUSED_IN_CLIP_FILES, read_clip_weights
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import load_state_dict


@MODELS.register_module()
class CLIPTextEncoder(BaseModule):
    """The text transformer of CLIP (arXiv:2103.00020); the defaults are those of OpenAI's RN50, RN101 and ViT-B.

    Each token sees those before it. Layers and names are open_clip's.

    Example:
        >>> import torch
        >>> from mmvg.models.backbones import CLIPTextEncoder
        >>> text = CLIPTextEncoder(embed_dims=16, num_layers=2, head_channels=8, vocab_size=50)
        >>> ids, mask = torch.tensor([[1, 5, 49, 0]]), torch.tensor([[True, True, True, False]])
        >>> states = text(ids, mask)
        >>> tuple(states.shape), tuple(text.sentence(states, mask).shape)
        ((1, 4, 16), (1, 16))

    Args:
        embed_dims: Width C.
        num_layers: Layers.
        head_channels: Channels per head.
        vocab_size: Rows of the token table.
        max_positions: Rows of the position table.
        out_channels: Width of the common space that sentences go to by CLIP's projection, 1024 for RN50 and 512 for the
            others; ``None`` leaves them as wide as the tokens.
        quick_gelu: x * sigmoid(1.702 x) instead of GELU; True for OpenAI's weights.
        checkpoint: Local file with the weights of a whole CLIP, read by :meth:`init_weights`: OpenAI's TorchScript
            archive, or a state dict with the names of open_clip. The image tower in it is left alone.
    """

    def __init__(
        self,
        embed_dims: int = 512,
        num_layers: int = 12,
        head_channels: int = 64,
        vocab_size: int = 49408,
        max_positions: int = 77,
        out_channels: int | None = None,
        quick_gelu: bool = True,
        checkpoint: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        from open_clip.transformer import QuickGELU, TextTransformer

        self.embed_dims = embed_dims
        self.num_layers = num_layers
        self.max_positions = max_positions
        self.checkpoint = checkpoint
        self.clip = TextTransformer(
            context_length=max_positions,
            vocab_size=vocab_size,
            width=embed_dims,
            heads=embed_dims // head_channels,
            layers=num_layers,
            output_dim=out_channels or embed_dims,
            act_layer=QuickGELU if quick_gelu else nn.GELU,
        )
        if out_channels is None:
            del self.clip.text_projection
        self.projects = out_channels is not None

    @property
    def token_table(self) -> Tensor:
        """Embeddings (V, C) of the vocabulary."""
        return self.clip.token_embedding.weight

    def init_weights(self) -> None:
        """Load ``checkpoint``, if there is one.

        Raises:
            FileNotFoundError: If there is no such file.
            CheckpointError: If it is not CLIP's, or CLIP's in another size.
        """
        super().init_weights()
        if self.checkpoint is None:
            return
        path = Path(self.checkpoint).expanduser()
        state = {name: value.float() for name, value in read_clip_weights(path).items()}
        unused = ['visual.*', *UNUSED_IN_CLIP_FILES, *([] if self.projects else ['text_projection'])]
        load_state_dict(self.clip, state, path, allowed_missing=['attn_mask'], allowed_unexpected=unused)

    def embed(self, input_ids: Tensor, token_embeddings: Tensor | None = None) -> Tensor:
        """Turn tokens (B, L) into the input (B, L, C) of the first layer.

        Args:
            input_ids: (B, L).
            token_embeddings: (B, L, C) to take the place of the rows of the token table.

        Raises:
            ValueError: If the text is longer than the position table.
        """
        length = input_ids.shape[1]
        if length > self.max_positions:
            raise ValueError(
                f'CLIPTextEncoder reads at most {self.max_positions} tokens, but got {tuple(input_ids.shape)}; set '
                'max_length of the tokenizer'
            )
        tokens = self.clip.token_embedding(input_ids) if token_embeddings is None else token_embeddings
        return tokens + self.clip.positional_embedding[:length]

    def run(self, text: Tensor, text_mask: Tensor, begin: int = 0, end: int | None = None) -> Tensor:
        """Send ``text`` (B, L, C) through the layers ``begin`` to ``end`` (exclusive).

        The order of the tokens alone decides which ones a token sees, so ``text_mask`` is not read. The last layer is
        followed by the LayerNorm at the end.
        """
        length = text.shape[1]
        for layer in self.clip.transformer.resblocks[begin:end]:
            text = layer(text, attn_mask=self.clip.attn_mask[:length, :length])
        return self.clip.ln_final(text) if end in (None, self.num_layers) else text

    def forward(self, input_ids: Tensor, text_mask: Tensor, token_embeddings: Tensor | None = None) -> Tensor:
        """Return the last states (B, L, C) of ``input_ids`` (B, L); ``text_mask`` (B, L) is True for a real token."""
        return self.run(self.embed(input_ids, token_embeddings), text_mask)

    def sentence(self, text: Tensor, text_mask: Tensor) -> Tensor:
        """The last real token of ``text`` (B, L, C), CLIP's end of text, as a sentence (B, C)."""
        last = (text_mask * torch.arange(text.shape[1], device=text.device)).argmax(dim=1)
        sentence = text[torch.arange(text.shape[0], device=text.device), last]
        return sentence @ self.clip.text_projection if self.projects else sentence
