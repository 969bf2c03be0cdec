"""Convert the weights of a released SimVG (arXiv:2409.17531) to our names."""

from pathlib import Path

from torch import Tensor

from mmvg.weights.conversion.instancevg import LAYER_NAMES
from mmvg.weights.conversion.renaming import rename

#: The token that masks patches in pre-training, and the class weights, which are in our configs.
SIMVG_DROPPED = (
    'vis_enc.beit3.vision_embed.mask_token',
    'head.criterion.empty_weight',
    'head.criterion_harddistill.empty_weight',
)

_READER = 'head.text_guided_query_generation_transformer.'
SIMVG_NAMES = {
    'vis_enc.beit3.': 'backbone.',
    'head.input_proj.': 'neck.projection.image.',
    'head.input_text_proj.': 'neck.projection.text.',
    'head.input_cls_proj.': 'neck.projection.sentence.',
    'head.query_embed.': 'neck.query_generator.table.',
    f'{_READER}layers.': 'neck.query_generator.decoder.layers.',
    f'{_READER}post_norm_layer.': 'neck.query_generator.decoder.post_norm.',
    'head.transformer.decoder.layers.': 'head.decoder.decoder.layers.',
    'head.transformer.decoder.post_norm_layer.': 'head.decoder.decoder.post_norm.',
    'head.mlp.': 'head.mlp.',
    **{
        f'head.{theirs}_embed_{branch}.': f'head.boxes.{branch}.{ours}.'
        for branch in ('decoder', 'token')
        for theirs, ours in (('class', 'classify'), ('bbox', 'regress'))
    },
}


def convert_simvg(state: dict[str, Tensor], source: str | Path) -> dict[str, Tensor]:
    """Rename the weights of a released SimVG for a grounder as in ``configs/_base_/models/simvg_base.py``.

    Files of the first of two stages fit too: their token branch is there, and has learned nothing.

    Args:
        state: The authors' weights.
        source: Named in errors.

    Raises:
        CheckpointError: If a name is unknown, or a part of the model is missing.

    Example:
        >>> import torch
        >>> convert_simvg({'vis_enc.beit3.text_embed.weight': torch.zeros(8, 4)}, 'det_best.pth')
        Traceback (most recent call last):
            ...
        mmvg.weights.errors.CheckpointError: det_best.pth: has no tensors under head.bbox_embed_decoder., ...
    """
    renamed = rename(state, SIMVG_NAMES, SIMVG_DROPPED, source)
    for old, new in LAYER_NAMES.items():
        renamed = {name.replace(old, new): value for name, value in renamed.items()}
    return renamed
