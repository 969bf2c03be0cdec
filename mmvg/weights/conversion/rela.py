"""Convert the weights of a released ReLA (arXiv:2306.00968) to our names."""

from pathlib import Path

from torch import Tensor

from mmvg.weights.conversion.mask2former import decoder_layer_names, pixel_decoder_names
from mmvg.weights.conversion.renaming import rename
from mmvg.weights.conversion.swin import as_in_mmdet, as_linear, fused_swin_names

TEXT_ENCODER, PIXEL_DECODER, PREDICTOR = 'text_encoder.', 'sem_seg_head.pixel_decoder.', 'sem_seg_head.predictor.'

#: The positions of BERT are counted anew.
RELA_DROPPED = (f'{TEXT_ENCODER}embeddings.position_ids',)

RELA_NAMES = {
    **fused_swin_names(),
    TEXT_ENCODER: 'backbone.text.bert.',
    **{f'backbone.norm{stage}.': f'neck.decoder.norms.{stage}.' for stage in range(4)},
    **pixel_decoder_names(PIXEL_DECODER, 'neck.decoder.decoder.', levels=3, layers=6),
    # the map of stride 4 joins behind the attention; the first name that fits counts
    **{
        f'{PIXEL_DECODER}{theirs}_1.{part}': f'neck.decoder.decoder.{ours}.0.{of_module}'
        for theirs, ours in (('adapter', 'lateral_convs'), ('layer', 'output_convs'))
        for part, of_module in (('norm.', 'gn.'), ('', 'conv.'))
    },
    **decoder_layer_names(PREDICTOR, 'head.decoder.decoder.', layers=9, cross='RIA_layers', own='RLA_vision'),
    f'{PREDICTOR}decoder_norm.': 'head.decoder.decoder.post_norm.',
    f'{PREDICTOR}query_feat.weight': 'head.decoder.regions',
    f'{PREDICTOR}query_embed.weight': 'head.decoder.region_position',
    f'{PREDICTOR}level_embed.weight': 'head.decoder.level_embedding',
    f'{PREDICTOR}lang_proj.': 'head.decoder.language.project.',
    f'{PREDICTOR}lang_weight': 'head.decoder.language.gate',
    f'{PREDICTOR}RLA_lang_att.multihead_attn.': 'head.decoder.language.attention.',
    f'{PREDICTOR}RLA_lang_att.norm.': 'head.decoder.language.norm.',
    f'{PREDICTOR}mask_embed.': 'head.decoder.filter.',
    f'{PREDICTOR}minimap_embed.': 'head.minimap.',
    f'{PREDICTOR}nt_embed.': 'head.existence.',
}

#: Tables that ours keep for a batch of one.
TABLES = ('head.decoder.regions', 'head.decoder.region_position')


def convert_rela(state: dict[str, Tensor], source: str | Path) -> dict[str, Tensor]:
    """Rename the weights of a released ReLA for a grounder as in ``configs/_base_/models/rela_swin_base.py``.

    Args:
        state: The authors' weights.
        source: Named in errors.

    Raises:
        CheckpointError: If a name is unknown, or a part of the model is missing.

    Example:
        >>> import torch
        >>> convert_rela({'sem_seg_head.predictor.lang_weight': torch.zeros(())}, 'gres_swin_base.pth')
        Traceback (most recent call last):
            ...
        mmvg.weights.errors.CheckpointError: gres_swin_base.pth: has no tensors under backbone.layers.0.blocks., ...
    """
    renamed = rename(state, RELA_NAMES, RELA_DROPPED, source)
    renamed = as_linear(as_in_mmdet(renamed, 'backbone.image.'), 'backbone.fusion.')
    return {name: value[None] if name in TABLES else value for name, value in renamed.items()}
