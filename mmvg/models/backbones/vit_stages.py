"""Run a plain vision transformer a few blocks at a time."""

from collections.abc import Sequence
from math import isqrt
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.model.weight_init import trunc_normal_
from torch import Tensor, nn

from mmvg.models.backbones.image_stages import ImageStages
from mmvg.models.layers import RelativeAttention, resize_relative
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import load_state_dict, load_state_dict_file

#: In the files of timm and MAE, but not used here: class token, last norm and classifier, and MAE's decoder.
_UNUSED = ('cls_token', 'norm.*', 'fc_norm.*', 'head.*', 'mask_token', 'decoder_*')
#: Before the names of the transformer in a file of detectron2, whose other parts detect.
_DETECTOR = 'backbone.net.'
_DETECTOR_UNUSED = ('backbone.simfp_*', 'proposal_generator.*', 'roi_heads.*')


@MODELS.register_module()
class ViTStages(ImageStages):
    """Run timm's vision transformer (arXiv:2010.11929) without a class token, its blocks shared out to stages.

    It is the image side of a :class:`StagedEncoder`; all stages have one width and one resolution. The defaults are
    ViT-B/16's at 448 x 448, with four stages of three blocks.

    Args:
        img_size: Side of the square input in pixels.
        patch_size: Side of a patch in pixels.
        embed_dims: Width C.
        num_layers: Number of blocks.
        num_heads: Attention heads.
        num_stages: K, which divides ``num_layers``.
        drop_path_rate: Rate of the last block; earlier ones have linearly less.
        patch_embed: What turns images into patches if not a convolution, such as :class:`ConvStem`; built with
            ``embed_dims`` and ``patch_size``.
        weight_std: Standard deviation of fresh weights and positions.
        checkpoint: Local file of timm's, MAE's or ViTDet's layout, read by :meth:`init_weights`. Positions are resized
            (bicubic, relative ones linearly).
        window: Side of the windows, in cells, within which blocks attend, with relative positions in all blocks, as in
            ViTDet (arXiv:2203.16527); None is the plain transformer.
        global_blocks: Blocks that attend everywhere nevertheless; the defaults are ViTDet-B's.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import ViTStages
        >>> stages = ViTStages(
        ...     img_size=32, patch_size=8, embed_dims=8, num_layers=2, num_heads=2, num_stages=2
        ... )
        >>> [tuple(x.shape) for x in stages(torch.randn(2, 3, 32, 32))]
        [(2, 8, 4, 4), (2, 8, 4, 4)]
    """

    def __init__(
        self,
        img_size: int = 448,
        patch_size: int = 16,
        embed_dims: int = 768,
        num_layers: int = 12,
        num_heads: int = 12,
        num_stages: int = 4,
        drop_path_rate: float = 0.1,
        patch_embed: dict | None = None,
        weight_std: float = 0.02,
        checkpoint: str | None = None,
        window: int | None = None,
        global_blocks: Sequence[int] = (2, 5, 8, 11),
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        from timm.models.vision_transformer import VisionTransformer

        if num_layers % num_stages or img_size % patch_size:
            raise ValueError(
                f'ViTStages: num_stages {num_stages} must divide num_layers {num_layers}, and patch_size {patch_size} '
                f'img_size {img_size}'
            )
        self.img_size = img_size
        self.grid_size = img_size // patch_size
        self.weight_std = weight_std
        self.checkpoint = checkpoint
        self.blocks_per_stage = num_layers // num_stages
        self.channels = (embed_dims,) * num_stages
        self.strides = (patch_size,) * num_stages
        self.vit = VisionTransformer(
            img_size=img_size,
            patch_size=patch_size,
            embed_dim=embed_dims,
            depth=num_layers,
            num_heads=num_heads,
            class_token=False,
            global_pool='',
            num_classes=0,
            final_norm=False,
            drop_path_rate=drop_path_rate,
        )
        if patch_embed is not None:
            self.vit.patch_embed = MODELS.build(dict(patch_embed, embed_dims=embed_dims, patch_size=patch_size))
        if window is not None:
            size = (self.grid_size, self.grid_size)
            for i, block in enumerate(self.vit.blocks):
                block.attn = RelativeAttention(embed_dims, num_heads, size, None if i in global_blocks else window)

    def init_weights(self) -> None:
        """Draw fresh weights, or load ``checkpoint``.

        Raises:
            FileNotFoundError: If there is no such file.
            CheckpointError: If it is not a vision transformer, or one of another size. Relative positions may be
                missing from it, and start at 0 then, as in ViTDet.
        """
        if self.checkpoint is None:
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    trunc_normal_(module.weight, std=self.weight_std)
            trunc_normal_(self.vit.pos_embed, std=self.weight_std)
            return
        path = Path(self.checkpoint).expanduser()
        state = {name.removeprefix(_DETECTOR): x.float() for name, x in load_state_dict_file(path).items()}
        if 'pos_embed' in state:
            rows = state['pos_embed'].shape[1]
            state['pos_embed'] = resize_positions(state['pos_embed'], isqrt(rows) ** 2 != rows, self.grid_size)
        tables = {name: table for name, table in self.vit.named_parameters() if '.rel_pos_' in name}
        state |= {name: resize_relative(state[name], len(tables[name])) for name in tables.keys() & state.keys()}
        load_state_dict(self.vit, state, path, tables, (*_UNUSED, *_DETECTOR_UNUSED))

    def embed(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Turn ``images`` (B, 3, S, S) into tokens (B, g*g, C), and (g, g).

        Raises:
            ValueError: If the images are not ``img_size`` a side.
        """
        if images.shape[-2:] != (self.img_size, self.img_size):
            raise ValueError(f'ViTStages was built for {self.img_size} pixels a side, but got {tuple(images.shape)}')
        patches = self.vit.patch_embed(images)
        tokens = patches.flatten(2).transpose(1, 2) if patches.ndim == 4 else patches
        return tokens + self.vit.pos_embed, (self.grid_size, self.grid_size)

    def run_stage(self, stage: int, tokens: Tensor, size: tuple[int, int]) -> list[Tensor]:
        """Send ``tokens`` (B, g*g, C) through a stage; returns the output of every block."""
        outputs = []
        begin = stage * self.blocks_per_stage
        for block in self.vit.blocks[begin : begin + self.blocks_per_stage]:
            tokens = block(tokens)
            outputs.append(tokens)
        return outputs

    def merge(self, stage: int, tokens: Tensor, size: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
        """Return ``tokens`` and ``size`` as they are: a plain transformer keeps its resolution."""
        return tokens, size


def resize_positions(table: Tensor, class_token: bool, grid_size: int) -> Tensor:
    """Resize positions (1, 1 + h*h, C) to (1, g*g, C), bicubic; the row of the class token, if any, is cut off.

    timm's own filter fails where a file has a class token and the model none.
    """
    patches = table[:, 1:] if class_token else table
    side = round(patches.shape[1] ** 0.5)
    if side == grid_size:
        return patches
    grid = patches.transpose(1, 2).unflatten(2, (side, side))
    grid = F.interpolate(grid, size=(grid_size, grid_size), mode='bicubic', align_corners=False)
    return torch.flatten(grid, 2).transpose(1, 2)
