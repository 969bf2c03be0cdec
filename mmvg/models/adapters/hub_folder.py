"""Models in folders as transformers writes them: found, checked and read, and never downloaded."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import nn

from mmvg.checks import check_choice

DTYPES = ('float32', 'bfloat16', 'float16')
_PICTURES = ('preprocessor_config.json', 'processor_config.json')
#: Each line: files of which a folder must have one -> what they hold.
_NEEDED = {
    ('config.json',): 'the architecture',
    ('model.safetensors', 'model.safetensors.index.json', 'pytorch_model.bin', 'pytorch_model.bin.index.json'): (
        'the weights'
    ),
    _PICTURES: 'how pictures are prepared',
    ('tokenizer.json', 'vocab.json', 'vocab.txt', 'tokenizer.model', 'spiece.model'): 'the words',
}


def check_model_folder(folder: str | Path, source: str, setting: str = 'model_folder', pictures: bool = True) -> Path:
    """Return a folder that holds a whole model, as a download from the Hugging Face Hub leaves it.

    Args:
        folder: The folder.
        source: Name of the model on the Hub, for the error to say how it is fetched; a name of the Hub in place of the
            folder is meant itself.
        setting: Of the config, which names the folder.
        pictures: Whether the model reads pictures, and so has to say how they are prepared.

    Raises:
        FileNotFoundError: If there is no such folder, or it lacks files.

    Example:
        >>> check_model_folder('google/owlv2-base-patch16-ensemble', source='google/owlv2-base-patch16-ensemble')
        Traceback (most recent call last):
            ...
        FileNotFoundError: google/owlv2-base-patch16-ensemble: there is no such folder, and nothing is downloaded...
    """
    path = Path(folder).expanduser()
    place = path
    if re.fullmatch(r'[\w.-]+/[\w.-]+', str(folder)) and not path.parent.exists():  # a name of the Hub
        source, place = str(folder), Path('data/weights') / path.name
    how = f'fetch it with `hf download {source} --local-dir {place}`, and set {setting}={place}'
    if not path.is_dir():
        raise FileNotFoundError(f'{folder}: there is no such folder, and nothing is downloaded unasked; {how}')
    for names, what in _NEEDED.items():
        if names == _PICTURES and not pictures:
            continue
        if not any((path / name).is_file() for name in names):
            raise FileNotFoundError(f'{folder}: lacks {" or ".join(names)} ({what}); {how}')
    return path


def model_type_of(folder: Path) -> str:
    """Return what ``config.json`` calls the architecture.

    Raises:
        ValueError: If the file is no config of transformers.

    Example:
        >>> Path('owl').mkdir()
        >>> _ = Path('owl/config.json').write_text('{"model_type": "owlv2"}')
        >>> model_type_of(Path('owl'))
        'owlv2'
    """
    try:
        return json.loads((folder / 'config.json').read_text(encoding='utf-8'))['model_type']
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f'{folder / "config.json"}: is no config of transformers ({error!r}); fetch it again'
        ) from error


def load_model(auto: Any, folder: Path, dtype: str) -> nn.Module:
    """Read the model of a folder; code that the folder may hold is not run.

    Args:
        auto: One of transformers' ``AutoModel`` classes, or a model class.
        folder: What :func:`check_model_folder` returned.
        dtype: One of :data:`DTYPES`.

    Raises:
        ValueError: If ``dtype`` is unknown, or weights are cut off, missing or of another shape.

    Example:
        >>> import transformers
        >>> load_model(transformers.AutoModel, Path('data/weights/bert-base-uncased'), 'float32')  # doctest: +SKIP
    """
    check_choice('dtype', dtype, DTYPES)
    from safetensors import SafetensorError

    asked = dict(local_files_only=True, trust_remote_code=False, output_loading_info=True, ignore_mismatched_sizes=True)
    try:
        model, report = auto.from_pretrained(folder, dtype=getattr(torch, dtype), **asked)
    except SafetensorError as error:
        raise ValueError(f'{folder}: the weights are cut off or no safetensors ({error}); fetch them again') from error
    wrong = [*report['missing_keys'], *(entry[0] for entry in report['mismatched_keys'])]
    if wrong:
        shown = ', '.join(sorted(wrong)[:4]) + (f' and {len(wrong) - 4} more' if len(wrong) > 4 else '')
        raise ValueError(
            f'{folder}: the weights do not fit {type(model).__name__}: {shown} are missing or of another shape, and '
            'would be random; fetch the folder again'
        )
    if report['unexpected_keys']:
        names = ', '.join(sorted(report['unexpected_keys'])[:4])
        count = len(report['unexpected_keys'])
        print_log(f'{folder}: {count} weights are not used, such as {names}', 'current', logging.WARNING)
    return model.eval()


def load_processor(folder: Path) -> Any:
    """Read what turns pictures and texts of a folder into tensors.

    Example:
        >>> load_processor(Path('data/weights/grounding-dino-base'))  # doctest: +SKIP
    """
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def on_meta_device() -> bool:
    """Tell whether modules are being built without memory, so that no weights can be read.

    Example:
        >>> with torch.device('meta'):
        ...     on_meta_device()
        True
    """
    return torch.empty(0).device.type == 'meta'
