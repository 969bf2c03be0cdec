"""Convert the weights of a released LAVT (arXiv:2112.02244) to our names, of both its layouts."""

from pathlib import Path

from torch import Tensor

from mmvg.weights.checkpoint import find_state_dict
from mmvg.weights.conversion.renaming import rename
from mmvg.weights.conversion.swin import as_in_mmdet, as_linear, fused_swin_names

#: The key under which ``lavt`` keeps BERT, and the name that it has inside the model of ``lavt_one``.
BERT, TEXT_ENCODER = 'bert_model', 'text_encoder.'

#: Nothing reads the gate of the last stage and BERT's pooler; the positions are counted anew.
LAVT_DROPPED = (
    'backbone.layers.3.res_gate.*',
    f'{TEXT_ENCODER}pooler.*',
    f'{TEXT_ENCODER}embeddings.position_ids',
)

LAVT_NAMES = {
    **fused_swin_names(),
    TEXT_ENCODER: 'backbone.text.bert.',
    **{f'backbone.norm{stage}.': f'neck.decoder.norms.{stage}.' for stage in range(4)},
    **{
        f'classifier.{kind}{i}_{level}.': f'neck.decoder.steps.{level - 2}.{i - 1}.{kind}.'
        for level in (4, 3, 2)  # the finer map that is joined is that of stage 3, 2, 1
        for i in (1, 2)
        for kind in ('conv', 'bn')
    },
    'classifier.conv1_1.': 'head.classify.',
}


def with_text_encoder(state: dict[str, Tensor], checkpoint: dict, source: str | Path) -> dict[str, Tensor]:
    """Add the BERT that a checkpoint of ``lavt`` keeps beside the model, named as ``lavt_one`` names it inside.

    Args:
        state: Weights of the model.
        checkpoint: The whole file.
        source: Named in errors.

    Raises:
        CheckpointError: If what stands under ``bert_model`` is not weights.

    Example:
        >>> import torch
        >>> bert = {'embeddings.LayerNorm.bias': torch.zeros(8)}
        >>> list(with_text_encoder({}, {'model': {}, 'bert_model': bert}, 'refcoco.pth'))
        ['text_encoder.embeddings.LayerNorm.bias']
    """
    if BERT not in checkpoint:
        return state
    bert = find_state_dict(checkpoint, source, keys=[BERT])
    return state | {TEXT_ENCODER + name: value for name, value in bert.items()}


def convert_lavt(state: dict[str, Tensor], source: str | Path) -> dict[str, Tensor]:
    """Rename the weights of a released LAVT for a grounder as in ``configs/_base_/models/lavt_swin_base.py``.

    Args:
        state: The authors' weights, BERT's below ``text_encoder.``.
        source: Named in errors.

    Raises:
        CheckpointError: If a name is unknown, or a part of the model is missing.

    Example:
        >>> import torch
        >>> convert_lavt({'classifier.conv1_1.bias': torch.zeros(2)}, 'refcoco.pth')
        Traceback (most recent call last):
            ...
        mmvg.weights.errors.CheckpointError: refcoco.pth: has no tensors under backbone.layers.0.blocks., ...
    """
    renamed = rename(state, LAVT_NAMES, LAVT_DROPPED, source)
    return as_linear(as_in_mmdet(renamed, 'backbone.image.'), 'backbone.fusion.')
