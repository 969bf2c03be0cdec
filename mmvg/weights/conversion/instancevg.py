"""Convert the weights of a released InstanceVG to our names."""

from pathlib import Path

import torch
from torch import Tensor

from mmvg.weights.conversion.renaming import rename
from mmvg.weights.errors import CheckpointError

INSTANCEVG_PREFIX = 'vis_enc.beit3.'

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
    renamed = rename(state, INSTANCEVG_NAMES, (*INSTANCEVG_DROPPED, *aliases), source)
    for old, new in LAYER_NAMES.items():
        renamed = {name.replace(old, new): value for name, value in renamed.items()}
    return renamed
