"""How a model prepares pictures and sentences, read from its built pipeline and preprocessor."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from mmvg.datasets.tokenizers import CLIPTokenizer
from mmvg.datasets.transforms import CleanText, Letterbox, PackGroundingInputs, Resize, Tokenize
from mmvg.export.clip_pieces import write_pieces
from mmvg.export.preparation import TOKENIZERS, Preparation


def read_preparation(steps: Iterable[Any], preprocessor: nn.Module) -> Preparation:
    """Read the preparation of a model.

    Args:
        steps: Transforms of its test pipeline, built, without those that load.
        preprocessor: A :class:`mmvg.models.GroundingPreprocessor`.

    Returns:
        The preparation; its vocabulary is named later, by :func:`write_vocabulary`.

    Raises:
        ValueError: If a step or a setting has no form without PyTorch.
    """
    settings: dict[str, Any] = dict(vocabulary='')
    for step in steps:
        if isinstance(step, Letterbox):
            pad_value = step.pad_value if isinstance(step.pad_value, int | float) else tuple(step.pad_value)
            settings |= dict(size=tuple(step.size), letterbox=True, interpolation=step.interpolation)
            settings['pad_value'] = pad_value
        elif isinstance(step, Resize) and step.scale is not None and not step.keep_ratio:
            settings |= dict(size=tuple(step.scale), letterbox=False, interpolation=step.interpolation, pad_value=0)
            settings['backend'] = step.backend
        elif isinstance(step, CleanText):
            settings['reader'] = step.reader
        elif isinstance(step, Tokenize):
            settings |= dict(max_length=step.max_length, tokenizer=_name_of(step.tokenizer))
        elif not isinstance(step, PackGroundingInputs):
            raise ValueError(f'{step!r:.120}: this step of the test pipeline cannot be exported')
    if missing := {'size', 'reader', 'tokenizer'} - set(settings):
        raise ValueError(f'the test pipeline does not say {" or ".join(sorted(missing))}; such a model is not exported')
    return Preparation(**settings, **_colours(preprocessor))


def write_vocabulary(tokenizer: Any, config: Mapping[str, Any], files: Mapping[str, bytes], folder: Path) -> str:
    """Write what a tokenizer reads into a folder.

    Args:
        tokenizer: Built.
        config: Of the tokenizer.
        files: Contents of files for text, by path as the config writes it.
        folder: Where to write.

    Returns:
        Name of the file.

    Raises:
        ValueError: If its file is not among ``files``.
    """
    if isinstance(tokenizer, CLIPTokenizer):
        write_pieces(tokenizer, folder / 'clip_pieces.json')
        return 'clip_pieces.json'
    path = str(config[TOKENIZERS[_name_of(tokenizer)]]).rstrip('/')
    inside = (path, *(f'{path}/{name}' for name in ('vocab.txt', 'tokenizer.json')))  # as BertTokenizer looks
    found = next((name for name in inside if name in files), None)
    if found is None:
        raise ValueError(f'{path}: the vocabulary of the model is not there, and answers need it')
    name = found.replace('\\', '/').rpartition('/')[2]
    (folder / name).write_bytes(files[found])
    return name


def _name_of(tokenizer: Any) -> str:
    name = 'CLIPPieces' if isinstance(tokenizer, CLIPTokenizer) else type(tokenizer).__name__
    if name not in TOKENIZERS:
        raise ValueError(f'{name} has no form without PyTorch; those that have are {", ".join(TOKENIZERS)}')
    return name


def _colours(preprocessor: nn.Module) -> dict[str, Any]:
    """Mean, standard deviation and order of the channels."""
    mean, std = (0.0,) * 3, (1.0,) * 3
    if preprocessor._enable_normalize:
        mean, std = (tuple(value.flatten().tolist()) for value in (preprocessor.mean, preprocessor.std))
    return dict(mean=mean, std=std, to_rgb=bool(preprocessor._channel_conversion))
