"""Run a Swin Transformer one stage at a time."""

from collections.abc import Sequence
from pathlib import Path

from mmdet.models.backbones.swin import SwinBlockSequence, swin_converter
from mmdet.models.layers import PatchEmbed, PatchMerging
from mmengine.model.weight_init import trunc_normal_init
from torch import Tensor, nn

from mmvg.models.backbones.image_stages import ImageStages
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import load_state_dict, load_state_dict_file
from mmvg.weights.image_backbones import resize_position_tables

#: In Swin's files, but not used here: classifier, last norm, norms of the outputs, and masks that follow from sizes.
_UNUSED = ('head.*', 'norm.*', 'norm[0-3].*', '*.attn_mask')


@MODELS.register_module()
class SwinStages(ImageStages):
    """Run mmdet's Swin Transformer (arXiv:2103.14030) stage by stage.

    It is the image side of a :class:`StagedEncoder`, which fuses image and text between the stages. The defaults are
    Swin-B's with windows of 12.

    Args:
        embed_dims: Width of the first stage; each stage doubles it.
        depths: Blocks per stage.
        num_heads: Attention heads per stage.
        window_size: Side of a window.
        drop_path_rate: Rate of the last block; earlier ones have linearly less.
        weight_std: Standard deviation of fresh linear weights.
        stem: Replaces the patch convolution, e.g. ``dict(type=ConvStem, channels=(32, 64))``; gets ``embed_dims`` and
            ``patch_size=4`` too.
        checkpoint: Local file in Microsoft's or mmdet's layout, read by :meth:`init_weights`. Tables of relative
            positions are resized (bicubic) where windows differ.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import SwinStages
        >>> stages = SwinStages(
        ...     embed_dims=8, depths=(1, 1), num_heads=(1, 2), window_size=2
        ... )
        >>> [tuple(x.shape) for x in stages(torch.randn(2, 3, 32, 32))]
        [(2, 8, 8, 8), (2, 16, 4, 4)]
    """

    def __init__(
        self,
        embed_dims: int = 128,
        depths: Sequence[int] = (2, 2, 18, 2),
        num_heads: Sequence[int] = (4, 8, 16, 32),
        window_size: int = 12,
        drop_path_rate: float = 0.3,
        weight_std: float = 0.02,
        stem: dict | None = None,
        checkpoint: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.weight_std = weight_std
        self.checkpoint = checkpoint
        self.channels = tuple(embed_dims * 2**i for i in range(len(depths)))
        self.strides = tuple(4 * 2**i for i in range(len(depths)))
        self.patch_embed = PatchEmbed(embed_dims=embed_dims, kernel_size=4, stride=4, norm_cfg=dict(type='LN'))
        if stem is not None:
            self.patch_embed.projection = MODELS.build(stem, default_args=dict(embed_dims=embed_dims, patch_size=4))
            self.patch_embed.adap_padding = None
        blocks = sum(depths)
        rates = [drop_path_rate * i / max(blocks - 1, 1) for i in range(blocks)]
        self.stages = nn.ModuleList(
            SwinBlockSequence(
                channels,
                heads,
                feedforward_channels=4 * channels,
                depth=depth,
                window_size=window_size,
                drop_path_rate=rates[sum(depths[:i]) :][:depth],
                downsample=PatchMerging(channels, 2 * channels) if i < len(depths) - 1 else None,
            )
            for i, (channels, heads, depth) in enumerate(zip(self.channels, num_heads, depths, strict=True))
        )

    def init_weights(self) -> None:
        """Draw fresh weights, or load ``checkpoint``.

        Raises:
            FileNotFoundError: If there is no such file.
            CheckpointError: If it is not Swin's, or Swin's in another size.
        """
        if self.checkpoint is None:
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    trunc_normal_init(module, std=self.weight_std)
            return
        path = Path(self.checkpoint).expanduser()
        state = load_state_dict_file(path)
        if any(name.startswith('layers.') for name in state):
            state = swin_converter(state)
        state = {
            name.removeprefix('backbone.'): value.float()
            for name, value in state.items()
            if not name.endswith('relative_position_index')  # follows from the window
        }
        state = resize_position_tables(state, self)
        load_state_dict(self, state, path, allowed_missing=['*.relative_position_index'], allowed_unexpected=_UNUSED)

    def embed(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Turn ``images`` (B, 3, H, W) into the tokens (B, h*w, C) of the first stage, and their (h, w)."""
        return self.patch_embed(images)

    def run_stage(self, stage: int, tokens: Tensor, size: tuple[int, int]) -> list[Tensor]:
        """Send ``tokens`` (B, h*w, C) through a stage; returns the output of every block."""
        outputs = []
        for block in self.stages[stage].blocks:
            tokens = block(tokens, size)
            outputs.append(tokens)
        return outputs

    def merge(self, stage: int, tokens: Tensor, size: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
        """Merge the patches of ``tokens`` after ``stage``, which is not the last one."""
        return self.stages[stage].downsample(tokens, size)
