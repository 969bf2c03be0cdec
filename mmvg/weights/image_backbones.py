"""Rename weights of image backbones as the libraries do that the backbones are built with."""

import re
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Heads and last norms of classifiers, which no encoder has.
UNUSED = ('head.*', 'head_dist.*', 'fc.*', 'classifier.*', 'norm.*', 'fc_norm.*', 'conv_head.*', 'bn2.*', 'linear.*')


def fit_names(state: dict[str, Tensor], backbone: nn.Module) -> dict[str, Tensor]:
    """Rename the weights of a file as ``backbone`` names them.

    Of a whole model of OpenMMLab (``backbone.*``) the backbone alone is kept. Files of the authors of Swin, PVT and
    SegFormer are recognised by their names. timm's feature extractors join names (``stages.0`` is ``stages_0``) or
    put ``model.`` or ``body.`` in front; stages behind the last one that is used are left out.

    Example:
        >>> list(fit_names({'backbone.weight': torch.ones(1), 'decode_head.weight': torch.ones(1)}, nn.Linear(1, 1)))
        ['weight']
    """
    if any(name.startswith('backbone.') for name in state):
        state = {name.removeprefix('backbone.'): value for name, value in state.items() if name.startswith('backbone.')}
    if hasattr(backbone, 'feature_info'):
        return _timm_names(state, backbone)
    if (convert := _converter(state, backbone)) is not None:
        state = {name.removeprefix('backbone.'): value for name, value in convert(state).items()}
    return state


def _converter(state: dict[str, Tensor], backbone: nn.Module) -> Callable | None:
    """Return what turns the names of Swin, PVT or SegFormer into OpenMMLab's; None if the file has none of them."""
    if hasattr(backbone, 'stages') and any(name.startswith('layers.') for name in state):
        from mmdet.models.backbones.swin import swin_converter

        return swin_converter
    if hasattr(backbone, 'layers') and any(name.startswith('patch_embed1.') for name in state):
        from mmdet.models.backbones.pvt import PyramidVisionTransformer, pvt_convert

        return pvt_convert if isinstance(backbone, PyramidVisionTransformer) else segformer_names
    return None


#: Inside a stage i, counted from 1: SegFormer's name, and mmsegmentation's.
_SEGFORMER = (
    (r'patch_embed(\d)\.proj\.', r'layers.\1.0.projection.'),
    (r'patch_embed(\d)\.', r'layers.\1.0.'),
    (r'block(\d)\.(\d+)\.', r'layers.\1.1.\2.'),
    (r'norm(\d)\.', r'layers.\1.2.'),
)
_SEGFORMER_BLOCK = (
    ('.attn.proj.', '.attn.attn.out_proj.'),
    ('.mlp.fc1.', '.ffn.layers.0.'),
    ('.mlp.dwconv.dwconv.', '.ffn.layers.1.'),
    ('.mlp.fc2.', '.ffn.layers.4.'),
)


def segformer_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the encoder of SegFormer (arXiv:2105.15203), as its authors save it, as mmsegmentation does.

    Queries are stacked on keys and values, and the linear layers of the FFNs become 1x1 convolutions.

    Example:
        >>> state = {'block1.0.attn.q.weight': torch.ones(8, 8), 'block1.0.attn.kv.weight': torch.ones(16, 8)}
        >>> {name: tuple(value.shape) for name, value in segformer_names(state).items()}
        {'layers.0.1.0.attn.attn.in_proj_weight': (24, 8)}
    """
    renamed = {}
    for name, value in state.items():
        if '.attn.kv.' in name:
            continue
        if '.attn.q.' in name:
            value = torch.cat([value, state[name.replace('.attn.q.', '.attn.kv.')]])
            name = name.replace('.attn.q.', '.attn.attn.in_proj_')
        elif re.search(r'\.mlp\.fc\d\.weight', name):
            value = value[..., None, None]
        for theirs, ours in _SEGFORMER_BLOCK:
            name = name.replace(theirs, ours)
        for theirs, ours in _SEGFORMER:
            found = re.match(theirs, name)
            if found:
                name = re.sub(
                    r'^layers\.(\d)', lambda m: f'layers.{int(m[1]) - 1}', found.expand(ours) + name[found.end() :]
                )
                break
        renamed[name] = value
    return renamed


def _timm_names(state: dict[str, Tensor], backbone: nn.Module) -> dict[str, Tensor]:
    """Rename weights of timm as its feature extractor ``backbone`` does."""
    own = backbone.state_dict()
    parts = {name.split('.')[0] for name in own}
    renamed = {}
    for name, value in state.items():
        first, _, rest = name.partition('.')
        forms = (name, f'{first}_{rest}', f'model.{name}', f'body.{name}')
        cut_off = any(part.startswith(f'{first}_') for part in parts) and f'{first}_{rest.split(".")[0]}' not in parts
        if not cut_off:
            renamed[next((form for form in forms if form in own), name)] = value
    return renamed


def resize_position_tables(state: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Resize (bicubic) the tables of relative positions in ``state`` to the windows of ``model``.

    Example:
        >>> list(resize_position_tables({'weight': torch.ones(1)}, nn.Linear(1, 1)))  # there are none here
        ['weight']
    """
    own = model.state_dict()
    return {
        name: resize_position_table(value, len(own[name]))
        if name.endswith('relative_position_bias_table') and name in own
        else value
        for name, value in state.items()
    }


def resize_position_table(table: Tensor, length: int) -> Tensor:
    """Resize a table of relative positions (l, heads), of a square window, to (``length``, heads).

    Example:
        >>> resize_position_table(torch.ones(13 * 13, 4), length=23 * 23).shape
        torch.Size([529, 4])
    """
    if len(table) == length:
        return table
    old, new = round(len(table) ** 0.5), round(length**0.5)
    grid = table.t().unflatten(1, (old, old))[None]
    return F.interpolate(grid, size=(new, new), mode='bicubic', align_corners=False)[0].flatten(1).t()
