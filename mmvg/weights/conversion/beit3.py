"""Convert weights of Microsoft's BEiT-3 to our names, and fit image positions and patches to another size."""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.weights.checkpoint import find_state_dict, load_checkpoint_file, load_state_dict
from mmvg.weights.conversion.renaming import rename

BEIT3_PREFIX = 'beit3.'

#: Rows of the image position table that belong to no patch: two that are never read, and CLS.
EXTRA_POSITIONS = 3
IMAGE_POSITIONS = 'encoder.embed_positions.A.weight'
PATCHES = 'vision_embed.proj.weight'

#: Microsoft's heads for pre-training, and the token that masks patches there.
BEIT3_DROPPED = (
    'mlm_head.weight',
    'mlm_head.bias',
    'mim_head.weight',
    'mim_head.bias',
    'beit3.vision_embed.mask_token',
)


def convert_beit3(state: dict[str, Tensor], source: str | Path) -> dict[str, Tensor]:
    """Strip the prefix of Microsoft's names and drop :data:`BEIT3_DROPPED`.

    Args:
        state: Microsoft's weights.
        source: Named in errors.

    Raises:
        CheckpointError: If there is anything else than the encoder and its heads for pre-training.

    Example:
        >>> list(convert_beit3({'beit3.text_embed.weight': torch.zeros(8, 4)}, 'beit3.pth'))
        ['text_embed.weight']
    """
    return rename(state, {BEIT3_PREFIX: ''}, BEIT3_DROPPED, source)


def resize_image_positions(table: Tensor, grid_size: int) -> Tensor:
    """Resize the image position table of BEiT-3, bicubic in float32.

    Args:
        table: (3 + h*h, C): three rows that belong to no patch, then h x h patches.
        grid_size: Side g of the wanted grid, in patches.

    Returns:
        (3 + g*g, C).

    Raises:
        ValueError: If the table does not hold a square grid.

    Example:
        >>> resize_image_positions(torch.zeros(3 + 14 * 14, 16), grid_size=20).shape
        torch.Size([403, 16])
    """
    patches = table[EXTRA_POSITIONS:]
    side = math.isqrt(len(patches))
    if side * side != len(patches):
        raise ValueError(f'{len(table)} image positions are not {EXTRA_POSITIONS} and a square grid')
    if side == grid_size:
        return table
    grid = patches.float().T.unflatten(1, (side, side))[None]
    grid = F.interpolate(grid, size=(grid_size, grid_size), mode='bicubic', align_corners=False)
    return torch.cat([table[:EXTRA_POSITIONS], grid[0].flatten(1).T.to(table.dtype)])


def resize_patches(weight: Tensor, patch_size: int) -> Tensor:
    """Resize the convolution that embeds patches, bicubic in float32, as SimVG does from 16 to 32 pixels.

    Its weights are not divided by the new area, so that outputs grow with it.

    Args:
        weight: (C, 3, p, p).
        patch_size: Wanted side of a patch in pixels.

    Example:
        >>> resize_patches(torch.ones(8, 3, 16, 16), patch_size=32).shape
        torch.Size([8, 3, 32, 32])
    """
    if weight.shape[-1] == patch_size:
        return weight
    size = (patch_size, patch_size)
    return F.interpolate(weight.float(), size=size, mode='bicubic', align_corners=False).to(weight.dtype)


def fit_positions(state: dict[str, Tensor], prefix: str, img_size: int) -> None:
    """Resize the image position table in ``state`` for squares of ``img_size`` pixels, in place.

    Args:
        state: Weights under our names.
        prefix: Where among them the BEiT-3 stands.
        img_size: Side of the pictures.

    Raises:
        ValueError: If it is not a multiple of the patch size.

    Example:
        >>> state = {'vision_embed.proj.weight': torch.zeros(16, 3, 8, 8), IMAGE_POSITIONS: torch.zeros(3 + 4, 16)}
        >>> fit_positions(state, '', img_size=32)
        >>> state[IMAGE_POSITIONS].shape
        torch.Size([19, 16])
    """
    patch_size = state[f'{prefix}{PATCHES}'].shape[-1]
    if img_size % patch_size:
        raise ValueError(f'img_size {img_size} is not a multiple of the patch size {patch_size}')
    table = f'{prefix}{IMAGE_POSITIONS}'
    state[table] = resize_image_positions(state[table], img_size // patch_size)


def load_beit3_weights(model: nn.Module, path: str | Path) -> None:
    """Load Microsoft's weights, or ours, into a :class:`BEiT3`; image positions and patches are resized to its own.

    Args:
        model: A :class:`BEiT3`.
        path: A local file.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is not a BEiT-3 of this size.

    Example:
        >>> from mmvg.models.backbones import BEiT3
        >>> from mmvg.weights import save_weights
        >>> sizes = dict(patch_size=8, embed_dims=8, num_layers=1, num_heads=2, vocab_size=10, max_text_positions=6)
        >>> save_weights(BEiT3(img_size=16, **sizes), 'beit3_16.pth')
        >>> load_beit3_weights(BEiT3(img_size=32, **sizes), 'beit3_16.pth')  # 2 x 2 positions become 4 x 4
    """
    state = find_state_dict(load_checkpoint_file(path), path)
    if any(name.startswith(BEIT3_PREFIX) for name in state):
        state = convert_beit3(state, path)
    if IMAGE_POSITIONS in state:
        state[IMAGE_POSITIONS] = resize_image_positions(state[IMAGE_POSITIONS], model.grid_size)
    if PATCHES in state and isinstance(model.vision_embed.proj, nn.Conv2d):
        state[PATCHES] = resize_patches(state[PATCHES], model.vision_embed.proj.kernel_size[0])
    load_state_dict(model, state, path)
