"""Convert the evaluation weights of the released MagNet (arXiv:2312.12198) to our names."""

from pathlib import Path

from torch import Tensor

from mmvg.weights.conversion.mask2former import decoder_layer_names, pixel_decoder_names
from mmvg.weights.conversion.renaming import rename
from mmvg.weights.conversion.swin import as_in_mmdet, as_linear, pixel_word_names, swin_names
from mmvg.weights.errors import CheckpointError

#: Layers of the gates of the text side; the second multiplies with what the first gives.
TEXT_GATES = 'language_model.res_gates.'

#: Tensors that the masks do not depend on: the text side of the fusion behind gates that are zero, the gate of the last
#: stage, norms of outputs that nobody reads, the class of the only query, whose softmax over queries is always 1, and a
#: projection that training alone used.
MAGNET_DROPPED = (
    'image_model.layers.3.res_gate.*',
    'image_model.norm[0-3].*',
    'language_model.pwams.*',
    f'{TEXT_GATES}*',
    'language_model.norms.*',
    'language_model.pooler.*',
    'language_model.embeddings.position_ids',
    'classifier.predictor.class_embed.*',
    'lang_proj.*',
)


def _stage_names(stage: int) -> dict[str, str]:
    """Names of the fusion after a stage, with four scales."""
    theirs, ours = f'image_model.layers.{stage}.', f'backbone.fusion.stages.{stage}.'
    names = pixel_word_names(f'{theirs}fusion.', f'{ours}full.', norms=True)
    for scale in range(4):
        names |= pixel_word_names(f'{theirs}fusions.{scale}.', f'{ours}pyramid.{scale}.attention.', norms=True)
        names |= {
            # the first step pools
            f'{theirs}pyramids.{scale}.{step + 1}.': f'{ours}pyramid.{scale}.project.{step}.'
            for step in (0, 1, 2, 4)
        }
    names[f'{theirs}mixer.'] = f'{ours}mix.'
    if stage < 3:
        names |= {
            f'{theirs}res_gate.0.': f'{ours}image_gate.hidden.',
            f'{theirs}res_gate.2.': f'{ours}image_gate.out.',
        }
    return names


def _query_decoder_names(layers: int = 9) -> dict[str, str]:
    """Names of the decoder of the one query."""
    theirs, ours = 'classifier.predictor.', 'head.'
    names = {
        f'{theirs}decoder_norm.': f'{ours}decoder.post_norm.',
        f'{theirs}query_feat.weight': f'{ours}query',
        f'{theirs}query_embed.weight': f'{ours}query_position',
        f'{theirs}level_embed.weight': f'{ours}level_embedding',
    }
    names |= {f'{theirs}mask_embed.layers.{i}.': f'{ours}mask_embedding.{2 * i}.' for i in range(3)}
    names |= decoder_layer_names(theirs, f'{ours}decoder.', layers)
    return names


MAGNET_NAMES = {
    **swin_names('image_model.', 'backbone.image.'),
    **{theirs: ours for stage in range(4) for theirs, ours in _stage_names(stage).items()},
    'language_model.': 'backbone.text.bert.',
    **pixel_decoder_names('classifier.pixel_decoder.', 'neck.decoder.decoder.', levels=4, layers=4),
    **_query_decoder_names(),
}


def convert_magnet(state: dict[str, Tensor], source: str | Path) -> dict[str, Tensor]:
    """Rename the weights of the released MagNet for a grounder as in ``configs/magnet/refcoco_released.py``.

    Its text side stands behind gates of which both layers started at zero, where they get no gradient: it has no
    effect, and no place in ours. That they are still zero is checked.

    Args:
        state: The authors' weights.
        source: Named in errors.

    Raises:
        CheckpointError: If a gate of the text is open, a name is unknown, or a part of the model is missing.

    Example:
        >>> import torch
        >>> convert_magnet({'language_model.res_gates.0.0.weight': torch.ones(8, 8)}, 'magnet_refcoco.pth')
        Traceback (most recent call last):
            ...
        mmvg.weights.errors.CheckpointError: magnet_refcoco.pth: language_model.res_gates.0.0.weight is not zero, ...
    """
    open_gates = [name for name, value in state.items() if name.startswith(TEXT_GATES) and value.any()]
    if open_gates:
        raise CheckpointError(
            f'{source}: {", ".join(open_gates)} is not zero, so that the text side of the fusion has an effect, which '
            'is not built here'
        )
    renamed = rename(state, MAGNET_NAMES, MAGNET_DROPPED, source)
    renamed = as_linear(as_in_mmdet(renamed, 'backbone.image.'), 'backbone.fusion.')
    for name in ('head.query', 'head.query_position'):
        renamed[name] = renamed[name][None]  # (1, C) -> (1, 1, C)
    return renamed
