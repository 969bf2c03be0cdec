"""CLIP with a ResNet as its image tower, read densely: one feature per location instead of one per image."""

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.backbones.clip_dual import UNUSED_IN_CLIP_FILES, read_clip_weights
from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import encode_once
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import load_state_dict


@MODELS.register_module()
class CLIPResNet(BaseModule):
    """Encode image and text densely with both towers of CLIP-RN50 or -RN101 (arXiv:2103.00020), as CRIS and LGGD do.

    The image tower gives the maps of some of its four stages, and after them the attention pooling of the last stage
    taken at every location (CRIS, arXiv:2111.15174): its tokens attend to one another without the mean token, whose
    row of the position table is dropped; the other rows are resized bicubically to the grid at hand. The text tower
    gives every token after the last LayerNorm, and the end token as the sentence. Layers and names are open_clip's;
    the defaults are OpenAI's RN50. Normalise images with CLIP's own mean and standard deviation. An image that
    several expressions of a batch ask about is encoded once, unless BatchNorm learns from it.

    Args:
        image_layers: Bottlenecks of the four stages: (3, 4, 6, 3) for RN50, (3, 4, 23, 3) for RN101.
        image_channels: Width of the stem; the stages have 4, 8, 16 and 32 times as many channels.
        pool_grid: Side of the position table of the attention pooling.
        head_channels: Channels per head, in the pooling and in the text tower.
        embed_dims: Width of the common space: 1024 for RN50, 512 for RN101.
        text_channels: Width of the text tower.
        text_layers: Layers of the text tower.
        vocab_size: Rows of the token table.
        max_text_positions: Rows of the text position table.
        quick_gelu: x * sigmoid(1.702 x) instead of GELU in the text tower; True for OpenAI's weights of both sizes.
        out_indices: Stages (0 to 3, strides 4 to 32) whose maps are given before the pooled one.
        pooling: ``'proj'``: the pooled map goes through CLIP's output projection into the common space; ``'pre'``: it
            stays as wide as the last stage (LGGD, Eq. 6).
        connect: Whether a new 1x1 convolution of the last stage is added to the pooled map, and a ReLU follows (CRIS).
        project_sentence: Whether the sentence goes through the text projection into the common space.
        normalize_sentence: Whether the sentence is divided by its length.
        frozen: No gradient for CLIP, and evaluation mode (also of BatchNorm) whatever the model is in. All of CLIP is
            kept then; otherwise parts that these options leave unused are removed.
        checkpoint: Local file with CLIP's weights, read by :meth:`init_weights`: OpenAI's TorchScript archive, or a
            state dict with the names of open_clip. Half precision becomes float32; the SHA-256 is logged.

    Raises:
        ValueError: If ``pooling`` or ``out_indices`` is unknown.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import CLIPResNet
        >>> encoder = CLIPResNet(
        ...     image_layers=(1, 1, 1, 1), image_channels=8, pool_grid=2, head_channels=8, embed_dims=16,
        ...     text_channels=16, text_layers=1, vocab_size=10
        ... ).eval()
        >>> images, ids, text_mask = torch.randn(2, 3, 64, 64), torch.randint(5, 9, (2, 4)), torch.ones(2, 4).bool()
        >>> features = encoder(images, ids, text_mask)
        >>> [tuple(x.shape) for x in features.images], tuple(features.text.shape), tuple(features.sentence.shape)
        ([(2, 32, 16, 16), (2, 64, 8, 8), (2, 128, 4, 4), (2, 256, 2, 2)], (2, 4, 16), (2, 16))
    """

    #: Weights of image and text alone.
    towers = dict(
        image=('clip.visual',),
        text=(
            'clip.token_embedding',
            'clip.positional_embedding',
            'clip.transformer',
            'clip.ln_final',
        ),
    )

    def __init__(
        self,
        image_layers: Sequence[int] = (3, 4, 6, 3),
        image_channels: int = 64,
        pool_grid: int = 7,
        head_channels: int = 64,
        embed_dims: int = 1024,
        text_channels: int = 512,
        text_layers: int = 12,
        vocab_size: int = 49408,
        max_text_positions: int = 77,
        quick_gelu: bool = True,
        out_indices: Sequence[int] = (0, 1, 2),
        pooling: str = 'pre',
        connect: bool = False,
        project_sentence: bool = True,
        normalize_sentence: bool = False,
        frozen: bool = False,
        checkpoint: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

        check_choice('CLIPResNet.pooling', pooling, ('pre', 'proj'))
        if not set(out_indices) <= {0, 1, 2, 3}:
            raise ValueError(f'CLIPResNet: out_indices must be among 0 to 3, not {tuple(out_indices)}')
        self.max_text_positions = max_text_positions
        self.out_indices = tuple(out_indices)
        self.pooling = pooling
        self.project_sentence = project_sentence
        self.normalize_sentence = normalize_sentence
        self.frozen = frozen
        self.checkpoint = checkpoint
        self.clip = CLIP(
            embed_dims,
            CLIPVisionCfg(
                layers=tuple(image_layers),
                width=image_channels,
                head_width=head_channels,
                image_size=32 * pool_grid,
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
        pool = self.clip.visual.attnpool
        pool.positional_embedding = nn.Parameter(pool.positional_embedding.detach()[1:].clone())
        if frozen:
            self.clip.requires_grad_(False)
        else:
            if pooling == 'pre':
                del pool.c_proj
            if not project_sentence:
                del self.clip.text_projection
        self.connect = None
        if connect:
            width = 32 * image_channels
            out_channels = embed_dims if pooling == 'proj' else width
            self.connect = nn.Sequential(nn.Conv2d(width, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels))

    def init_weights(self) -> None:
        """Load ``checkpoint`` into the towers, if there is one.

        Raises:
            FileNotFoundError: If there is no such file.
            CheckpointError: If it is not CLIP's, or CLIP's in another size.
        """
        super().init_weights()
        if self.checkpoint is None:
            return
        path = Path(self.checkpoint).expanduser()
        state = {name: value.float() for name, value in read_clip_weights(path).items()}
        positions = 'visual.attnpool.positional_embedding'
        if positions in state:
            state[positions] = state[positions][1:]
        own = self.clip.state_dict()
        removed = ('visual.attnpool.c_proj.weight', 'visual.attnpool.c_proj.bias', 'text_projection')
        unused = [name for name in removed if name not in own]
        counters = [name for name in own if name.endswith('num_batches_tracked')]
        load_state_dict(
            self.clip,
            state,
            path,
            allowed_missing=[*counters, 'attn_mask'],
            allowed_unexpected=[*UNUSED_IN_CLIP_FILES, *unused],
        )
        print_log(f'read {path}, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}', logger='current')

    def train(self, mode: bool = True) -> 'CLIPResNet':
        """Switch the mode of what is not frozen."""
        super().train(mode)
        if self.frozen:
            self.clip.eval()
        return self

    #: An encoder that sets this is given ``image_index``.
    shares_images = True

    def forward(
        self, images: Tensor, input_ids: Tensor, text_mask: Tensor, image_index: Tensor | None = None
    ) -> GroundingFeatures:
        """Encode ``images`` (B, 3, H, W) with ``input_ids`` (B, L); ``text_mask`` (B, L) is True for a real token.

        With ``image_index`` (B,) there are U ``images``, and it says which of them each text is about.

        Returns:
            The maps of ``out_indices`` and the pooled map (B, C', H/32, W/32) in ``images``; tokens (B, L, C), the
            mask, and the sentence (B, C''), which is the state of the last real token, CLIP's end of text. Each token
            sees those before it, so padding after the end cannot change them; features of padded tokens mean nothing.

        Raises:
            ValueError: If a side of the images is no multiple of 32, or the text is longer than the position table.
        """
        if images.shape[-2] % 32 or images.shape[-1] % 32:
            raise ValueError(f'CLIPResNet needs sides that are multiples of 32, but got {tuple(images.shape)}')
        towers = [self.clip.visual, *filter(None, [self.connect])]
        maps = encode_once(self.encode_images, images, image_index, *towers)
        text, sentence = self.encode_sentence(input_ids, text_mask)
        return GroundingFeatures(images=maps, text=text, text_mask=text_mask.bool(), sentence=sentence)

    def encode_images(self, images: Tensor) -> list[Tensor]:
        """Encode ``images`` (U, 3, H, W) alone; returns the maps of ``out_indices`` and the pooled one."""
        with torch.no_grad() if self.frozen else nullcontext():
            maps = self._encode_image(images)
            pooled = self._pool(maps[-1])
        if self.connect is not None:
            pooled = F.relu(pooled + self.connect(maps[-1]))
        return [*(maps[i] for i in self.out_indices), pooled]

    def encode_sentence(self, input_ids: Tensor, text_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode ``input_ids`` (B, L) alone; returns tokens (B, L, C) and the sentence (B, C'')."""
        with torch.no_grad() if self.frozen else nullcontext():
            text = self.encode_text(input_ids, text_mask)
            return text, self._sentence(text, text_mask.bool())

    def _encode_image(self, images: Tensor) -> list[Tensor]:
        visual = self.clip.visual
        x = visual.stem(images)
        maps = []
        for stage in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
            x = stage(x)
            maps.append(x)
        return maps

    def _pool(self, x: Tensor) -> Tensor:
        """Self-attention among the locations of ``x`` (B, C, h, w)."""
        pool = self.clip.visual.attnpool
        size = x.shape[-2:]
        side = round(len(pool.positional_embedding) ** 0.5)
        positions = pool.positional_embedding.t().unflatten(1, (side, side))[None]
        if (side, side) != tuple(size):
            positions = F.interpolate(positions, size=size, mode='bicubic', align_corners=False)
        tokens = (x + positions).flatten(2).transpose(1, 2)
        query, key, value = (
            project(tokens).unflatten(-1, (pool.num_heads, -1)).transpose(1, 2)
            for project in (pool.q_proj, pool.k_proj, pool.v_proj)
        )
        tokens = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        if self.pooling == 'proj':
            tokens = pool.c_proj(tokens)
        return tokens.transpose(1, 2).unflatten(2, size)

    @property
    def token_table(self) -> Tensor:
        """Embeddings (V, C) of the vocabulary."""
        return self.clip.token_embedding.weight

    def encode_text(self, input_ids: Tensor, text_mask: Tensor, token_embeddings: Tensor | None = None) -> Tensor:
        """Encode a text alone: (B, L, C) after the last LayerNorm; each token sees those before it.

        Args:
            input_ids: (B, L).
            text_mask: (B, L). The order of the tokens alone decides which ones a real token sees, so it is not read.
            token_embeddings: (B, L, C) to take the place of the rows of the token table.

        Raises:
            ValueError: If the text is longer than the position table.
        """
        clip, length = self.clip, input_ids.shape[1]
        if length > self.max_text_positions:
            raise ValueError(
                f'CLIPResNet reads at most {self.max_text_positions} tokens, but got {tuple(input_ids.shape)}; set '
                'max_length of the tokenizer'
            )
        tokens = clip.token_embedding(input_ids) if token_embeddings is None else token_embeddings
        tokens = tokens + clip.positional_embedding[:length]
        return clip.ln_final(clip.transformer(tokens, attn_mask=clip.attn_mask[:length, :length]))

    def _sentence(self, tokens: Tensor, text_mask: Tensor) -> Tensor:
        """The state (B, C) of the last real token, in the common space if so wanted."""
        last = (text_mask * torch.arange(tokens.shape[1], device=tokens.device)).argmax(dim=1)
        sentence = tokens[torch.arange(tokens.shape[0], device=tokens.device), last]
        if self.project_sentence:
            sentence = sentence @ self.clip.text_projection
        return F.normalize(sentence, dim=-1) if self.normalize_sentence else sentence
