"""Recognise whose names the weights of a file have, and convert them."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from mmvg.weights.checkpoint import find_state_dict, load_checkpoint_file
from mmvg.weights.conversion.beit3 import BEIT3_DROPPED, BEIT3_PREFIX, convert_beit3, fit_positions
from mmvg.weights.conversion.instancevg import INSTANCEVG_DROPPED, convert_instancevg
from mmvg.weights.conversion.lavt import LAVT_DROPPED, convert_lavt, with_text_encoder
from mmvg.weights.conversion.magnet import MAGNET_DROPPED, convert_magnet
from mmvg.weights.conversion.rela import RELA_DROPPED, convert_rela
from mmvg.weights.conversion.renaming import without_effect
from mmvg.weights.conversion.simvg import SIMVG_DROPPED, convert_simvg
from mmvg.weights.errors import CheckpointError


class Layout(NamedTuple):
    """A way in which others name weights.

    Args:
        name: Short name, kept in the notes of the converted file.
        whose: Whose it is, for messages.
        mark: How a name begins that only this layout has.
        convert: Turns the weights, and the name of their file, into ours.
        dropped: Names or patterns of tensors without effect, which are left out.
        encoder: Where among our names a BEiT-3 stands, whose image positions can be resized; None if there is none.

    Example:
        >>> LAYOUTS[0].name, LAYOUTS[0].mark
        ('beit3', 'beit3.')
    """

    name: str
    whose: str
    mark: str
    convert: Callable[[dict[str, Tensor], str | Path], dict[str, Tensor]]
    dropped: tuple[str, ...]
    encoder: str | None = None


LAYOUTS = (
    Layout('beit3', "Microsoft's BEiT-3", BEIT3_PREFIX, convert_beit3, BEIT3_DROPPED, encoder=''),
    # before InstanceVG, for the encoder has the same names in both
    Layout('simvg', 'SimVG', 'head.bbox_embed_token.', convert_simvg, SIMVG_DROPPED, encoder='backbone.'),
    Layout('instancevg', 'InstanceVG', 'vis_enc.beit3.', convert_instancevg, INSTANCEVG_DROPPED, encoder='backbone.'),
    # before LAVT, whose encoder it has
    Layout('rela', 'ReLA', 'sem_seg_head.predictor.', convert_rela, RELA_DROPPED),
    Layout('lavt', 'LAVT', 'backbone.layers.0.fusion.', convert_lavt, LAVT_DROPPED),
    Layout('magnet', 'MagNet', 'image_model.layers.0.fusion.', convert_magnet, MAGNET_DROPPED),
)

#: What a training script of the LAVT family notes of its arguments that says which model it is.
NOTED = ('model', 'swin_type', 'window12', 'mha', 'img_size', 'dataset', 'splitBy')


def convert_checkpoint(
    path: str | Path, img_size: int | None = None, ema: bool = False
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read an official file of any of :data:`LAYOUTS` and convert it.

    Args:
        path: Microsoft's ``beit3_*.pth`` (or ``.zip``, which is the same), or the released weights of a system.
        img_size: Resize the image positions of a BEiT-3 for squares of this side in pixels; they stay as they are if
            None.
        ema: Take the averaged weights of an InstanceVG or SimVG (``ema_state_dict``) instead of the last ones.

    Returns:
        Weights under our names (of :class:`BEiT3`, or of the whole grounder), and notes on where they come from.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it is of no layout, or holds more or less than it should.
        ValueError: If ``img_size`` is not a multiple of the patch size, or the model has no image positions.

    Example:
        >>> import torch
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
    state = with_text_encoder(state, checkpoint, path)
    layout = find_layout(state, path)
    converted = layout.convert(state, path)
    meta = dict(source=Path(path).name, layout=layout.name, weights='ema' if ema else 'last')
    meta['dropped'] = ', '.join(without_effect(state, layout.dropped))
    arguments = checkpoint.get('args')
    if isinstance(arguments, dict):
        meta['arguments'] = ', '.join(f'{key}={arguments[key]!r}'[:100] for key in NOTED if key in arguments)
    if img_size is not None:
        if layout.encoder is None:
            raise ValueError(f'{path}: {layout.whose} has no image positions; leave out img_size')
        fit_positions(converted, layout.encoder, img_size)
        meta['img_size'] = str(img_size)
    return converted, meta


def find_layout(state: dict[str, Tensor], source: str | Path) -> Layout:
    """Find whose names the weights have.

    Args:
        state: Weights under the names of others.
        source: Named in errors.

    Raises:
        CheckpointError: If they are nobody's.

    Example:
        >>> import torch
        >>> find_layout({'beit3.text_embed.weight': torch.zeros(8, 4)}, 'beit3.pth').whose
        "Microsoft's BEiT-3"
    """
    for layout in LAYOUTS:
        if any(name.startswith(layout.mark) for name in state):
            return layout
    known = ', '.join(f'{layout.whose} ("{layout.mark}")' for layout in LAYOUTS)
    raise CheckpointError(
        f'{source}: the released weights of nobody known here. Their names begin so: {known}; the first name in the '
        f'file is "{next(iter(state))}"'
    )
