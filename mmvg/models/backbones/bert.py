"""BERT as a text encoder, run whole or a few layers at a time."""

from pathlib import Path

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.registry import MODELS
from mmvg.weights.checkpoint import load_state_dict, load_state_dict_file
from mmvg.weights.transformers_folder import weights_in

#: In BERT's files, but not used here: pooler, heads of the pre-training tasks, and counters of old releases.
_UNUSED = ('pooler.*', 'cls.*', '*.position_ids')


@MODELS.register_module()
class BertTextEncoder(BaseModule):
    """Encode a text with the layers of transformers' BERT (arXiv:1810.04805), without a pooler.

    The defaults are BERT-base's.

    Args:
        embed_dims: Width C.
        num_layers: Number of layers.
        num_heads: Attention heads.
        ffn_channels: Hidden channels of the FFNs.
        vocab_size: Rows of the token table.
        max_positions: Rows of the position table.
        dropout: Dropout on the hidden states and the attention weights.
        weight_std: Standard deviation of fresh weights.
        checkpoint: Local file, or a directory in the layout of transformers, read by :meth:`init_weights`.
        frozen_layers: So many layers, the last ones, and the embeddings keep their weights; 0 trains everything.
            LAVT's code hands layers 0 to 9 alone to its optimizer, which is 2. Unlike what ``frozen`` of a grounder
            names, they stay in training mode, with their dropout, as there.

    Raises:
        ValueError: If there are not so many layers.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import BertTextEncoder
        >>> encoder = BertTextEncoder(embed_dims=8, num_layers=2, num_heads=2, ffn_channels=16, vocab_size=10)
        >>> encoder(torch.randint(5, 9, (2, 4)), torch.ones(2, 4).bool()).shape
        torch.Size([2, 4, 8])
    """

    def __init__(
        self,
        embed_dims: int = 768,
        num_layers: int = 12,
        num_heads: int = 12,
        ffn_channels: int = 3072,
        vocab_size: int = 30522,
        max_positions: int = 512,
        dropout: float = 0.1,
        weight_std: float = 0.02,
        checkpoint: str | None = None,
        frozen_layers: int = 0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        from transformers import BertConfig, BertModel

        if not 0 <= frozen_layers <= num_layers:
            raise ValueError(f'BertTextEncoder: frozen_layers is {frozen_layers}, but there are {num_layers} layers')

        self.embed_dims = embed_dims
        self.num_layers = num_layers
        self.max_positions = max_positions
        self.checkpoint = checkpoint
        config = BertConfig(
            vocab_size=vocab_size,
            hidden_size=embed_dims,
            num_hidden_layers=num_layers,
            num_attention_heads=num_heads,
            intermediate_size=ffn_channels,
            max_position_embeddings=max_positions,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            initializer_range=weight_std,
        )
        config._attn_implementation = 'sdpa'
        self.bert = BertModel(config, add_pooling_layer=False)
        if frozen_layers:
            for part in (self.bert.embeddings, *self.bert.encoder.layer[-frozen_layers:]):
                part.requires_grad_(False)

    @property
    def token_table(self) -> Tensor:
        """Embeddings (V, C) of the vocabulary."""
        return self.bert.embeddings.word_embeddings.weight

    def init_weights(self) -> None:
        """Load ``checkpoint``, if there is one.

        Raises:
            FileNotFoundError: If there is no such file, or a directory without weights.
            CheckpointError: If it is not BERT's, or BERT's in another size.
        """
        super().init_weights()
        if self.checkpoint is None:
            return
        path = weights_in(Path(self.checkpoint).expanduser(), 'BERT')
        state = {_modern_name(name): value.float() for name, value in load_state_dict_file(path).items()}
        load_state_dict(self.bert, state, path, allowed_missing=['*.position_ids'], allowed_unexpected=_UNUSED)

    def embed(self, input_ids: Tensor, token_embeddings: Tensor | None = None) -> Tensor:
        """Turn tokens (B, L) into the input (B, L, C) of the first layer.

        Args:
            input_ids: (B, L).
            token_embeddings: (B, L, C) to take the place of the rows of the token table.

        Raises:
            ValueError: If the text is longer than the position table.
        """
        if input_ids.shape[1] > self.max_positions:
            raise ValueError(
                f'BertTextEncoder reads at most {self.max_positions} tokens, but got {tuple(input_ids.shape)}; set '
                'max_length of the tokenizer'
            )
        if token_embeddings is None:
            return self.bert.embeddings(input_ids=input_ids)
        return self.bert.embeddings(inputs_embeds=token_embeddings)

    def run(self, text: Tensor, text_mask: Tensor, begin: int = 0, end: int | None = None) -> Tensor:
        """Send ``text`` (B, L, C) through the layers ``begin`` to ``end`` (exclusive); padding is never a key."""
        return run_bert_layers(self.bert.encoder.layer[begin:end], text, text_mask)

    def forward(self, input_ids: Tensor, text_mask: Tensor, token_embeddings: Tensor | None = None) -> Tensor:
        """Return the last states (B, L, C) of ``input_ids`` (B, L); ``text_mask`` (B, L) is True for a real token."""
        return self.run(self.embed(input_ids, token_embeddings), text_mask)

    def sentence(self, text: Tensor, text_mask: Tensor) -> Tensor:
        """Return the first token of ``text`` (B, L, C), BERT's [CLS], as a sentence (B, C)."""
        return text[:, 0]


def _modern_name(name: str) -> str:
    """Return the name of a weight without ``bert.`` in front, and with LayerNorm's parameters named as today."""
    name = name.removeprefix('bert.')
    return name.replace('LayerNorm.gamma', 'LayerNorm.weight').replace('LayerNorm.beta', 'LayerNorm.bias')


def bert_layers(
    num_layers: int, embed_dims: int, num_heads: int, ffn_channels: int, dropout: float, weight_std: float = 0.02
) -> nn.ModuleList:
    """Return fresh layers of BERT for :func:`run_bert_layers`."""
    from transformers import BertConfig
    from transformers.models.bert.modeling_bert import BertLayer

    config = BertConfig(
        hidden_size=embed_dims,
        num_attention_heads=num_heads,
        intermediate_size=ffn_channels,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    config._attn_implementation = 'sdpa'
    layers = nn.ModuleList(BertLayer(config) for _ in range(num_layers))
    for module in layers.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=weight_std)
            nn.init.zeros_(module.bias)
    return layers


def run_bert_layers(layers: nn.ModuleList, states: Tensor, mask: Tensor) -> Tensor:
    """Send ``states`` (B, L, C) through ``layers``; where ``mask`` (B, L) is False a token is never a key."""
    bias = torch.zeros(mask.shape, dtype=states.dtype, device=states.device)
    bias = bias.masked_fill(~mask.bool(), torch.finfo(states.dtype).min)[:, None, None]
    for layer in layers:
        output = layer(states, bias)
        states = output[0] if isinstance(output, tuple) else output  # a tuple before transformers 5
    return states
