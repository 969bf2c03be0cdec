"""Rename what the converters of MagNet and ReLA share: Mask2Former's pixel decoder and the layers of its decoder."""


def pixel_decoder_names(theirs: str, ours: str, levels: int, layers: int) -> dict[str, str]:
    """Return the names of a deformable pixel decoder of ours, coarsest map first, by those of the authors.

    Maps that join behind the attention, as in a feature pyramid, are those of :func:`pyramid_names`.

    Args:
        theirs: What their names begin with.
        ours: What ours begin with.
        levels: Maps that the attention runs over.
        layers: Layers of the attention.

    Example:
        >>> pixel_decoder_names('classifier.pixel_decoder.', 'neck.', levels=1, layers=0)
        {'classifier.pixel_decoder.transformer.level_embed': 'neck.level_encoding.weight',
         'classifier.pixel_decoder.mask_features.': 'neck.mask_feature.',
         'classifier.pixel_decoder.input_proj.0.0.': 'neck.input_convs.0.conv.',
         'classifier.pixel_decoder.input_proj.0.1.': 'neck.input_convs.0.gn.'}
    """
    names = {f'{theirs}transformer.level_embed': f'{ours}level_encoding.weight'}
    names[f'{theirs}mask_features.'] = f'{ours}mask_feature.'
    for level in range(levels):
        names[f'{theirs}input_proj.{level}.0.'] = f'{ours}input_convs.{level}.conv.'
        names[f'{theirs}input_proj.{level}.1.'] = f'{ours}input_convs.{level}.gn.'
    parts = {'self_attn.': 'self_attn.', 'norm1.': 'norms.0.', 'norm2.': 'norms.1.'}
    parts |= {'linear1.': 'ffn.layers.0.0.', 'linear2.': 'ffn.layers.1.'}
    for layer in range(layers):
        for old, new in parts.items():
            names[f'{theirs}transformer.encoder.layers.{layer}.{old}'] = f'{ours}encoder.layers.{layer}.{new}'
    return names


def decoder_layer_names(
    theirs: str,
    ours: str,
    layers: int,
    cross: str = 'transformer_cross_attention_layers',
    own: str = 'transformer_self_attention_layers',
) -> dict[str, str]:
    """Return the names of the layers of a masked decoder: the authors keep together what is of a kind, mmdet a layer.

    Args:
        theirs: What their names begin with.
        ours: What ours begin with.
        layers: Number of layers.
        cross: Their name of the attention to the image.
        own: Their name of the attention among queries.

    Example:
        >>> decoder_layer_names('predictor.', 'decoder.', layers=1)['predictor.transformer_ffn_layers.0.norm.']
        'decoder.layers.0.norms.2.'
    """
    parts = {
        f'{cross}.{{}}.multihead_attn.': 'cross_attn.attn.',
        f'{cross}.{{}}.norm.': 'norms.0.',
        f'{own}.{{}}.self_attn.': 'self_attn.attn.',
        f'{own}.{{}}.norm.': 'norms.1.',
        'transformer_ffn_layers.{}.linear1.': 'ffn.layers.0.0.',
        'transformer_ffn_layers.{}.linear2.': 'ffn.layers.1.',
        'transformer_ffn_layers.{}.norm.': 'norms.2.',
    }
    return {
        theirs + old.format(layer): f'{ours}layers.{layer}.{new}'
        for layer in range(layers)
        for old, new in parts.items()
    }
