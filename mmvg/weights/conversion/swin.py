"""Rename what the converters of the LAVT family share: Swin, and attention from pixels to words."""

from torch import Tensor

#: Layers of the pixel-word attention module of LAVT: theirs, and ours.
_PIXEL_WORD = {
    'vis_project.0.': 'visual.',
    'image_lang_att.f_query.0.': 'query.',
    'image_lang_att.f_key.0.': 'key.',
    'image_lang_att.f_value.0.': 'value.',
    'image_lang_att.W.0.': 'out.',
    'project_mm.0.': 'mix.',
}
#: Its norms, where they have weights.
_PIXEL_WORD_NORMS = {'image_lang_att.f_query.1.': 'query_norm.', 'image_lang_att.W.1.': 'out_norm.'}


def pixel_word_names(theirs: str, ours: str, norms: bool = False) -> dict[str, str]:
    """Return the names of a pixel-word attention below ``ours`` by those below ``theirs``.

    Example:
        >>> pixel_word_names('layers.0.fusion.', 'attention.0.')['layers.0.fusion.vis_project.0.']
        'attention.0.visual.'
    """
    names = _PIXEL_WORD | (_PIXEL_WORD_NORMS if norms else {})
    return {theirs + old: ours + new for old, new in names.items()}


def swin_names(theirs: str, ours: str, stages: int = 4) -> dict[str, str]:
    """Return beginnings of names of a Swin Transformer below ``ours``; its own names stay for :func:`as_in_mmdet`.

    Example:
        >>> swin_names('backbone.', 'backbone.image.', stages=1)
        {'backbone.patch_embed.': 'backbone.image.patch_embed.',
         'backbone.layers.0.blocks.': 'backbone.image.layers.0.blocks.'}
    """
    parts = ['patch_embed.']
    for stage in range(stages):
        parts.append(f'layers.{stage}.blocks.')
        if stage < stages - 1:
            parts.append(f'layers.{stage}.downsample.')
    return {theirs + part: ours + part for part in parts}


def fused_swin_names() -> dict[str, str]:
    """Return the names of LAVT's image encoder, with its fusions and gates, which ReLA has too.

    Example:
        >>> fused_swin_names()['backbone.layers.0.res_gate.2.']
        'backbone.fusion.gates.0.out.'
    """
    names = swin_names('backbone.', 'backbone.image.')
    for stage in range(4):
        names |= pixel_word_names(f'backbone.layers.{stage}.fusion.', f'backbone.fusion.attention.{stage}.')
    for stage in range(3):
        for layer, name in ((0, 'hidden'), (2, 'out')):
            names[f'backbone.layers.{stage}.res_gate.{layer}.'] = f'backbone.fusion.gates.{stage}.{name}.'
    return names


def as_in_mmdet(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Rename the Swin Transformer below ``prefix`` as mmdet does, whose merging reads its four cells in another order.

    Example:
        >>> import torch
        >>> list(as_in_mmdet({'image.layers.0.blocks.0.attn.proj.bias': torch.zeros(8)}, 'image.'))
        ['image.stages.0.blocks.0.attn.w_msa.proj.bias']
    """
    from mmdet.models.backbones.swin import swin_converter

    swin = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    converted = {prefix + name.removeprefix('backbone.'): value for name, value in swin_converter(swin).items()}
    return {name: value for name, value in state.items() if not name.startswith(prefix)} | converted


def as_linear(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Take the kernels of 1x1 convolutions below ``prefix`` as the matrices (out, in) of linear layers.

    Example:
        >>> import torch
        >>> as_linear({'fusion.mix.weight': torch.zeros(8, 6, 1)}, 'fusion.')['fusion.mix.weight'].shape
        torch.Size([8, 6])
    """
    return {
        name: value.flatten(1) if name.startswith(prefix) and value.dim() > 2 else value
        for name, value in state.items()
    }
