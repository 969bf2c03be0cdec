"""Convert weights of Microsoft's BEiT-3 and of the released InstanceVG to our names."""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.weights.checkpoint import find_state_dict, load_checkpoint_file, load_state_dict
from mmvg.weights.errors import CheckpointError

BEIT3_PREFIX = 'beit3.'
INSTANCEVG_PREFIX = 'vis_enc.beit3.'

#: Rows of the image position table that belong to no patch: two that are never read, and CLS.
EXTRA_POSITIONS = 3
IMAGE_POSITIONS = 'encoder.embed_positions.A.weight'

#: Microsoft's heads for pre-training, and the token that masks patches there.
BEIT3_DROPPED = (
    'mlm_head.weight',
    'mlm_head.bias',
    'mim_head.weight',
    'mim_head.bias',
    'beit3.vision_embed.mask_token',
)

#: Tensors of InstanceVG that its outputs do not depend on, and the class weights, which are in our configs.
INSTANCEVG_DROPPED = (
    'vis_enc.beit3.vision_embed.mask_token',
    'head.query_embedding.weight',
    'head.query_generation.query_embed.weight',
    'head.decoder_transformer.level_embeds',
    'head.proj_pixel_level_cons.vis.weight',
    'head.proj_pixel_level_cons.vis.bias',
    'head.proj_pixel_level_cons.txt.weight',
    'head.proj_pixel_level_cons.txt.bias',
    'head.detrloss.criterion.empty_weight',
)

#: Three names of one module, as the decoder layers share it.
INSTANCEVG_ALIASES = ('head.class_embed.', 'head.bbox_embed.')

INSTANCEVG_NAMES = {
    INSTANCEVG_PREFIX: 'backbone.',
    'head.img_embedding.': 'neck.projection.image.',
    'head.lan_embedding.': 'neck.projection.text.',
    'head.query_generation.T2I_decoder.layers.0.': 'neck.query_generator.text_to_image.',
    'head.query_generation.T2I_decoder.post_norm_layer.': 'neck.query_generator.post_norm.',
    'head.query_generation.mlp.': 'neck.query_generator.mlp.',
    'head.neck.': 'neck.pyramid.',
    'head.query_pos_embedding.': 'neck.query_decoder.query_position.',
    'head.decoder_transformer.reference_points.': 'neck.query_decoder.reference_offset.',
    'head.decoder_transformer.decoder.layers.': 'neck.query_decoder.layers.',
    **{
        f'head.unet_decoder.{kind}{i}_{level}.': f'neck.pixel_decoder.steps.{level - 2}.{i - 1}.{kind}.'
        for level in (4, 3, 2)  # the finer map that is joined is c3, c2, c1
        for i in (1, 2)
        for kind in ('conv', 'bn')
    },
    'head.class_embed.0.': 'head.boxes.classify.',
    'head.bbox_embed.0.': 'head.boxes.regress.',
    'head.seg_branch.predict.': 'head.masks.predict.',
    'head.nt_embed.': 'head.existence.mlp.',
}

#: Inside a transformer layer.
LAYER_NAMES = {'attentions.0.': 'self_attn.', 'attentions.1.': 'cross_attn.', 'ffns.0.': 'ffn.'}


def convert_checkpoint(
    path: str | Path, img_size: int | None = None, ema: bool = False
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read an official file of either layout and convert it.

    Args:
        path: Microsoft's ``beit3_*.pth`` (or ``.zip``, which is the same), or a released ``InstanceVG-*.pth``.
        img_size: Resize the image positions for squares of this side in pixels; they stay as they are if None.
        ema: Take InstanceVG's averaged weights (``ema_state_dict``) instead of the last ones.

    Returns:
        Weights under our names (of :class:`BEiT3`, or of the whole grounder), and notes on where they come from.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it is of neither layout, or holds more or less than it should.
        ValueError: If ``img_size`` is not a multiple of the patch size.

    Example:
        >>> state = {'beit3.vision_embed.proj.weight': torch.zeros(16, 3, 8, 8), 'mim_head.bias': torch.ones(2)}
        >>> torch.save({'model': state}, 'beit3.pth')
        >>> weights, notes = convert_checkpoint('beit3.pth')
        >>> list(weights), notes['layout'], notes['dropped']
        (['vision_embed.proj.weight'], 'beit3', 'mim_head.bias')
    """
    checkpoint = load_checkpoint_file(path)
    if ema and 'ema_state_dict' not in checkpoint:
        raise CheckpointError(f'{path}: has no ema_state_dict')
    state = find_state_dict(checkpoint['ema_state_dict'] if ema else checkpoint, path)
    if any(name.startswith(INSTANCEVG_PREFIX) for name in state):
        layout, converted, encoder = 'instancevg', convert_instancevg(state, path), 'backbone.'
        known = INSTANCEVG_DROPPED
    elif any(name.startswith(BEIT3_PREFIX) for name in state):
        layout, converted, encoder = 'beit3', convert_beit3(state, path), ''
        known = BEIT3_DROPPED
    else:
        raise CheckpointError(
            f'{path}: neither Microsoft\'s BEiT-3 (names begin with "{BEIT3_PREFIX}") nor a released InstanceVG '
            f'("{INSTANCEVG_PREFIX}"); the first name is "{next(iter(state))}"'
        )
    meta = dict(source=Path(path).name, layout=layout, weights='ema' if ema else 'last')
    meta['dropped'] = ', '.join(name for name in known if name in state)
    if img_size is not None:
        patch_size = converted[f'{encoder}vision_embed.proj.weight'].shape[-1]
        if img_size % patch_size:
            raise ValueError(f'img_size {img_size} is not a multiple of the patch size {patch_size}')
        table = f'{encoder}{IMAGE_POSITIONS}'
        converted[table] = resize_image_positions(converted[table], img_size // patch_size)
        meta['img_size'] = str(img_size)
    return converted, meta


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
    return _rename(state, {BEIT3_PREFIX: ''}, BEIT3_DROPPED, source)


def convert_instancevg(state: dict[str, Tensor], source: str | Path) -> dict[str, Tensor]:
    """Rename the weights of a released InstanceVG for a grounder as in ``configs/_base_/models/instancevg_base.py``.

    Args:
        state: The authors' weights.
        source: Named in errors.

    Raises:
        CheckpointError: If a name is unknown, a part of the model is missing, or aliases of a tensor differ.

    Example:
        >>> convert_instancevg({'vis_enc.beit3.text_embed.weight': torch.zeros(8, 4)}, 'InstanceVG-B.pth')
        Traceback (most recent call last):
            ...
        mmvg.weights.errors.CheckpointError: InstanceVG-B.pth: has no tensors under head.bbox_embed.0., ...
    """
    aliases = {}
    for name in state:
        prefix = next((prefix for prefix in INSTANCEVG_ALIASES if name.startswith(prefix)), None)
        if prefix is not None and not name.startswith(f'{prefix}0.'):
            aliases[name] = f'{prefix}0.{name.removeprefix(prefix).partition(".")[2]}'
    differing = [f'{a} and {b}' for a, b in aliases.items() if b not in state or not torch.equal(state[a], state[b])]
    if differing:
        raise CheckpointError(f'{source}: should hold the same tensor twice, but does not: {", ".join(differing)}')
    renamed = _rename(state, INSTANCEVG_NAMES, (*INSTANCEVG_DROPPED, *aliases), source)
    for old, new in LAYER_NAMES.items():
        renamed = {name.replace(old, new): value for name, value in renamed.items()}
    return renamed


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


def load_beit3_weights(model: nn.Module, path: str | Path) -> None:
    """Load Microsoft's weights, or ours, into a :class:`BEiT3`; image positions are resized to its ``grid_size``.

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
    load_state_dict(model, state, path)


def _rename(
    state: dict[str, Tensor], prefixes: dict[str, str], dropped: tuple[str, ...], source: str | Path
) -> dict[str, Tensor]:
    """Replace the prefix of every name that is not ``dropped``.

    Raises:
        CheckpointError: If a name has none of the prefixes, or a prefix no name.
    """
    renamed, unknown, unused = {}, [], set(prefixes)
    for name, value in state.items():
        if name in dropped:
            continue
        prefix = next((prefix for prefix in prefixes if name.startswith(prefix)), None)
        if prefix is None:
            unknown.append(name)
            continue
        unused.discard(prefix)
        renamed[prefixes[prefix] + name.removeprefix(prefix)] = value
    if unknown:
        listed = ', '.join(unknown[:10]) + (f' and {len(unknown) - 10} more' if len(unknown) > 10 else '')
        raise CheckpointError(f'{source}: {len(unknown)} tensors are none of this model: {listed}')
    if unused:
        raise CheckpointError(f'{source}: has no tensors under {", ".join(sorted(unused))}; is the file cut down?')
    return renamed
