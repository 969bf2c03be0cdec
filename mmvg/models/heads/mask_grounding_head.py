"""Mask Grounding (MagNet): guess a hidden word from the sentence, the picture and the place of the target."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmdet.models.layers import SinePositionalEncoding
from mmengine.dist import get_rank
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.backbones.bert import bert_layers, run_bert_layers
from mmvg.models.features import GroundingFeatures, TextEncoder
from mmvg.models.layers import send, without_special_tokens
from mmvg.models.losses.targets import GroundingTargets
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample

INPUTS = ('text', 'image', 'mask')


@MODELS.register_module()
class MaskGroundingHead(BaseModule):
    """Predict masked words from the other words, the image and a code of the mask (MagNet, arXiv:2312.12198, Sec. 3.2).

    Use it in ``aux_heads`` of any grounder whose backbone is a :class:`mmvg.models.TextEncoder`. The masked text goes
    through the text encoder a second time; its tokens, those of the coarsest image map and the mask's code go through a
    predictor, and the vocabulary's own embeddings turn its answers into words. Begin, end and padding are never masked.
    Nothing of it is left at inference.

    The image map has met the unmasked words in the stages before (``features.unfused`` is from before the last
    fusion), so the answer may leak through it; ``detach_image`` takes away what would reward the leak, and
    ``tools/analysis_tools/probe_mask_grounding.py`` measures it.

    Args:
        image_channels: Channels of ``features.unfused``.
        text_channels: Channels of what ``encode_text`` returns.
        embed_channels: Columns of the token table.
        vocab_size: Rows V of the token table.
        channels: Width C of the predictor.
        num_layers: Layers of the predictor (Table 3(c)).
        num_heads: Heads of the predictor.
        ffn_channels: Hidden channels of the FFNs of the predictor.
        dropout: Dropout in the predictor.
        inputs: What the predictor sees. Without ``'mask'`` this is the text side of masked vision-language modelling,
            with ``'text'`` alone masked language modelling (Table 3(a)).
        mask_code: ``'center'``, the mean position of the target's pixels, or ``'average'``, the mean of the image
            features under the mask (Table 3(b)).
        mask_rate: Share of the words that are to be guessed.
        replace_rate: Share of those that are hidden; the others are shown as they are.
        mask_id: Token that hides a word, BERT's [MASK]; ``None`` uses a vector of this head, for vocabularies without
            such a token.
        detach_image: Whether the gradient stops at the image map.
        loss_weight: Weight of the cross-entropy.
        seed: Seed of the generator that chooses words; the rank of the process is added.

    Examples:
        >>> import torch
        >>> from mmvg.models.heads import MaskGroundingHead
        >>> head = MaskGroundingHead(8, 6, 6, vocab_size=10, channels=8, num_layers=1, num_heads=2, mask_rate=1.0)
        >>> head.choose_words(torch.tensor([[1, 1, 1, 1, 0]]).bool())  # neither begin nor end nor padding
        tensor([[False,  True,  True, False, False]])
    """

    #: The grounder hands its backbone to :meth:`loss`.
    needs_encoder = True

    def __init__(
        self,
        image_channels: int,
        text_channels: int,
        embed_channels: int,
        vocab_size: int,
        channels: int = 256,
        num_layers: int = 8,
        num_heads: int = 8,
        ffn_channels: int = 1024,
        dropout: float = 0.1,
        inputs: Sequence[str] = INPUTS,
        mask_code: str = 'center',
        mask_rate: float = 0.15,
        replace_rate: float = 0.9,
        mask_id: int | None = 103,
        detach_image: bool = False,
        loss_weight: float = 1.0,
        seed: int = 0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if 'text' not in inputs or not set(inputs) <= set(INPUTS):
            raise ValueError(f"MaskGroundingHead: inputs must be among {INPUTS}, with 'text', not {tuple(inputs)}")
        check_choice('MaskGroundingHead.mask_code', mask_code, ('center', 'average'))
        if mask_code == 'average' and 'mask' in inputs and 'image' not in inputs:
            raise ValueError("MaskGroundingHead: mask_code='average' needs 'image' among the inputs")
        self.inputs = tuple(name for name in INPUTS if name in inputs)
        self.mask_code = mask_code
        self.mask_rate = mask_rate
        self.replace_rate = replace_rate
        self.mask_id = mask_id
        self.detach_image = detach_image
        self.loss_weight = loss_weight
        self.generator = torch.Generator().manual_seed(seed + get_rank())

        self.mask_token = None if mask_id is not None else nn.Parameter(torch.randn(embed_channels) * 0.02)
        self.project_text = nn.Linear(text_channels, channels)
        self.project_image = self.position = self.encode_mask = None
        if 'image' in self.inputs:
            self.project_image = nn.Sequential(nn.LayerNorm(image_channels), nn.Linear(image_channels, channels))
            self.position = SinePositionalEncoding(channels // 2, normalize=True)
        if 'mask' in self.inputs:
            self.encode_mask = nn.Sequential(
                nn.Linear(2 if mask_code == 'center' else channels, channels), nn.ReLU(), nn.Linear(channels, channels)
            )
        self.kind = nn.Parameter(torch.zeros(len(self.inputs), channels))
        self.norm = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)
        self.predictor = bert_layers(num_layers, channels, num_heads, ffn_channels, dropout)
        self.to_embedding = nn.Sequential(nn.Linear(channels, embed_channels), nn.GELU(), nn.LayerNorm(embed_channels))
        self.vocab_bias = nn.Parameter(torch.zeros(vocab_size))
        nn.init.normal_(self.kind, std=0.02)

    def loss(
        self, features: GroundingFeatures, data_samples: list[GroundingSample], encoder: TextEncoder
    ) -> dict[str, Tensor]:
        """Return ``loss_grounding``, the cross-entropy over all chosen words of the batch.

        A sample without a chosen word, or without a target if the mask's code is an input, takes no part. If no sample
        is left the loss is 0, with a gradient of 0 for every parameter.

        Args:
            features: Reads ``input_ids``, ``text_mask`` and ``unfused``.
            data_samples: Samples with their union masks.
            encoder: Reads the text with its hidden words.

        Raises:
            ValueError: If the encoder cannot read a text alone, or masks are missing.
        """
        drawn = self.draw_places(features.text_mask.shape)
        rows = send(drawn.flatten().nonzero()[:, 0], features.text_mask.device)
        chosen = self._words(features.text_mask) & send(drawn, features.text_mask.device)
        masks = self._masks(features, data_samples)
        takes_part = chosen if masks is None else chosen & masks.bool().flatten(1).any(1, keepdim=True)
        # what was drawn is known on the host; padding that was drawn is computed too, for only a GPU knows it
        counted = takes_part.flatten()[rows].float()
        logits, words = self._logits(features, masks, chosen, rows, encoder)
        entropy = F.cross_entropy(logits.float(), words, reduction='none')
        return dict(loss_grounding=self.loss_weight * (entropy * counted).sum() / counted.sum().clamp(min=1))

    def choose_words(self, text_mask: Tensor) -> Tensor:
        """Choose the words to guess.

        Args:
            text_mask: (B, L), True = a real token.

        Returns:
            (B, L) bool, never True for begin, end or padding.
        """
        return self._words(text_mask) & send(self.draw_places(text_mask.shape), text_mask.device)

    def draw_places(self, shape: tuple[int, int]) -> Tensor:
        """Draw places (B, L) bool on the host, which are chosen if a word stands there."""
        return self._random(shape) < self.mask_rate

    @staticmethod
    def _words(text_mask: Tensor) -> Tensor:
        return without_special_tokens(text_mask) & (text_mask.sum(1, keepdim=True) > 2)

    @torch.no_grad()
    def accuracy(
        self, features: GroundingFeatures, masks: Tensor | None, chosen: Tensor, encoder: TextEncoder
    ) -> Tensor:
        """Say which of the chosen words are guessed.

        Args:
            features: As in :meth:`loss`.
            masks: Union masks (B, 1, H, W) of any size.
            chosen: (B, L) bool, K of them True.
            encoder: As in :meth:`loss`.

        Returns:
            (K,) bool.
        """
        rows = chosen.flatten().nonzero()[:, 0]
        logits, words = self._logits(features, masks, chosen, rows, encoder)
        return logits.argmax(-1) == words

    def _random(self, shape: torch.Size) -> Tensor:
        """Draw numbers in [0, 1) on the host."""
        return torch.rand(shape, generator=self.generator)

    def _masks(self, features: GroundingFeatures, data_samples: list[GroundingSample]) -> Tensor | None:
        if 'mask' not in self.inputs:
            return None
        targets = GroundingTargets.from_samples(data_samples, features.text_mask.device)
        return targets.all_masks("MaskGroundingHead with 'mask' among its inputs")

    def _logits(
        self,
        features: GroundingFeatures,
        masks: Tensor | None,
        chosen: Tensor,
        rows: Tensor,
        encoder: TextEncoder,
    ) -> tuple[Tensor, Tensor]:
        """Return logits (K, V) of the tokens in ``rows`` (K,) of all B * L, and the tokens (K,) themselves."""
        if not hasattr(encoder, 'token_table') or not hasattr(encoder, 'encode_text'):
            raise ValueError(
                f'MaskGroundingHead needs a backbone with token_table and encode_text; {type(encoder).__name__} has '
                'not both'
            )
        input_ids, text_mask = features.input_ids, features.text_mask
        tokens = [self._read_text(encoder, input_ids, text_mask, chosen)]
        keep = [text_mask]
        if self.project_image is not None:
            image = features.unfused
            image = self._read_image(image.detach() if self.detach_image else image)
            tokens.append(image)
            keep.append(text_mask.new_ones(image.shape[:2]))
        if self.encode_mask is not None:
            size = features.unfused.shape[-2:]
            tokens.append(self._read_mask(masks.float(), tokens[-1], size))
            keep.append(text_mask.new_ones(len(text_mask), 1))
        tokens = [x + kind for x, kind in zip(tokens, self.kind, strict=True)]
        states = self.dropout(self.norm(torch.cat(tokens, dim=1)))  # (B, L + h*w + 1, C) with all three inputs
        states = run_bert_layers(self.predictor, states, torch.cat(keep, dim=1))
        answers = self.to_embedding(states[:, : chosen.shape[1]].flatten(0, 1)[rows])  # (K, embed_channels)
        return answers @ encoder.token_table.t() + self.vocab_bias, input_ids.flatten()[rows]

    def _read_text(self, encoder: TextEncoder, input_ids: Tensor, text_mask: Tensor, chosen: Tensor) -> Tensor:
        """Return tokens (B, L, C) of the text in which most of the chosen words are hidden."""
        table = encoder.token_table
        hidden = chosen & send(self._random(chosen.shape) < self.replace_rate, chosen.device)
        mask_token = table[self.mask_id] if self.mask_token is None else self.mask_token.to(table.dtype)
        embeddings = torch.where(hidden[..., None], mask_token, table[input_ids])
        return self.project_text(encoder.encode_text(input_ids, text_mask, embeddings))

    def _read_image(self, image: Tensor) -> Tensor:
        """Return tokens (B, h*w, C) of the map (B, C', h, w), with their positions."""
        position = self.position(torch.zeros((1, *image.shape[-2:]), dtype=torch.bool, device=image.device))
        return self.project_image(image.flatten(2).transpose(1, 2)) + position.flatten(2).transpose(1, 2)

    def _read_mask(self, masks: Tensor, image: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the code (B, 1, C) of masks (B, 1, H, W)."""
        if self.mask_code == 'average':
            share = F.adaptive_avg_pool2d(masks, size).flatten(2)
            return self.encode_mask(share @ image / share.sum(-1, keepdim=True).clamp(min=1e-6))
        return self.encode_mask(mask_centers_norm(masks))


def mask_centers_norm(masks: Tensor) -> Tensor:
    """Compute the mean position of the pixels of each mask; a pixel lies at its middle.

    Args:
        masks: (B, 1, H, W).

    Returns:
        (B, 1, 2), x and y in fractions of the image; (0, 0) for an empty mask.
    """
    height, width = masks.shape[-2:]
    area = masks.sum((-2, -1)).clamp(min=1)
    x = (torch.arange(width, device=masks.device) + 0.5) / width
    y = (torch.arange(height, device=masks.device) + 0.5) / height
    return torch.stack([(masks.sum(-2) * x).sum(-1) / area, (masks.sum(-1) * y).sum(-1) / area], dim=-1)
