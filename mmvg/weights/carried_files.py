"""The files that a model needs to read text, which travel with its weights: vocabularies and other tokenizer files."""

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from mmengine.config import Config

from mmvg.weights.errors import CheckpointError

#: Keys of dicts in a config, in a model or a pipeline, that build what reads text.
READERS = ('tokenizer', 'processor')
#: Of a folder, as transformers writes it, these files are carried.
_IN_FOLDERS = re.compile(
    r'(vocab|added_tokens|special_tokens_map|tokenizer_config|tokenizer|preprocessor_config|processor_config|merges)'
    r'\.(txt|json)|.*\.(spm|model)'
)
#: Bytes of all files together; BEiT-3's vocabulary has 1.4 million, those of large language models 20 million.
MAX_BYTES = 64_000_000


def carried_files(cfg: Config) -> dict[str, bytes]:
    """Read the files that a config names where text is read, in the model and in the pipeline of the test.

    Args:
        cfg: A config; relative paths in it start where the program was started.

    Returns:
        Content by path as the config writes it; what is not there is left out, and a folder is there file by file.

    Raises:
        ValueError: If they are too large to be vocabularies.

    Example:
        >>> step = dict(tokenizer=dict(type='WordTokenizer', vocab_file='data/refshapes/vocab.txt'))
        >>> list(carried_files(Config(dict(test_dataloader=dict(dataset=dict(pipeline=[step]))))))
        ['data/refshapes/vocab.txt']
    """
    files: dict[str, bytes] = {}
    for text in dict.fromkeys(value for reader in _readers(cfg) for value in _texts(reader)):
        path = Path(text)
        if path.is_dir():
            inside = (file for file in sorted(path.iterdir()) if file.is_file() and _IN_FOLDERS.fullmatch(file.name))
            found = {f'{text.rstrip("/")}/{file.name}': file for file in inside}
        else:
            found = {text: path} if path.is_file() else {}
        total = sum(map(len, files.values())) + sum(file.stat().st_size for file in found.values())
        if total > MAX_BYTES:
            raise ValueError(f'{text}: {total:,} bytes are too many for a vocabulary to be kept with the weights')
        files |= {name: file.read_bytes() for name, file in found.items()}
    return files


def encode_files(files: dict[str, bytes]) -> dict[str, str]:
    """Write contents as text (base64), for the metadata of a checkpoint.

    Example:
        >>> encode_files({'vocab.txt': b'[PAD]'})
        {'vocab.txt': 'W1BBRF0='}
    """
    return {path: base64.b64encode(content).decode('ascii') for path, content in files.items()}


def decode_files(stored: Any, source: str | Path) -> dict[str, bytes]:
    """Read what :func:`encode_files` wrote.

    Raises:
        CheckpointError: If it is something else.
    """
    if not isinstance(stored, dict):
        raise CheckpointError(f'{source}: its tokenizer files are a {type(stored).__name__}, not a dict')
    for path in stored:
        if not isinstance(path, str) or '\0' in path or PurePosixPath(path.replace('\\', '/')).name in ('', '..'):
            raise CheckpointError(f'{source}: {path!r:.80} is no name of a tokenizer file')
    try:
        return {path: base64.b64decode(content, validate=True) for path, content in stored.items()}
    except (binascii.Error, TypeError, ValueError) as error:
        raise CheckpointError(f'{source}: its tokenizer files are damaged ({error})') from None


@contextmanager
def laid_out(cfg: Config, files: dict[str, bytes]) -> Iterator[Config]:
    """Give a config whose tokenizers read carried files: they lie on the disk as long as the context lasts.

    Args:
        cfg: With the paths of the machine of the training; it stays as it is.
        files: By :func:`carried_files`.
    """
    with TemporaryDirectory(prefix='mmvg_') as folder:
        places: dict[str, str] = {}
        for number, (path, content) in enumerate(files.items()):
            name = PurePosixPath(path.replace('\\', '/')).name
            parent = path[: -len(name) - 1]
            home = Path(places.setdefault(f'{parent}/', f'{folder}/{number}'))
            home.mkdir(exist_ok=True)
            (home / name).write_bytes(content)
            places[path] = str(home / name)
        yield with_places(cfg, {path.rstrip('/'): place for path, place in places.items() if path != '/'})


def with_places(cfg: Config, places: dict[str, str]) -> Config:
    """Copy a config, with other paths where text is read: ``places`` by path as the config writes it."""
    copy = Config(cfg._cfg_dict._to_lazy_dict())
    for reader in _readers(copy):
        for key, value in list(dict.items(reader)):
            if isinstance(value, str) and key != 'type' and value.rstrip('/') in places:
                reader[key] = places[value.rstrip('/')]
    return copy


def found_beside(cfg: Config, source: str | Path) -> dict[str, str]:
    """Find files of a config that are not there, but lie as seen from the folder of a checkpoint or one above it.

    Checkpoints that carry no files were written below the folder of the training, ``work_dirs/<name>/iter_4.pth``.

    Returns:
        Place by path as the config writes it.
    """
    above = list(Path(source).resolve().parents)[:3]
    places = {}
    for text in (value for reader in _readers(cfg) for value in _texts(reader)):
        if not Path(text).is_absolute() and not Path(text).exists():
            there = next((folder / text for folder in above if (folder / text).exists()), None)
            if there is not None:
                places[text.rstrip('/')] = str(there)
    return places


def _readers(cfg: Config) -> Iterator[dict]:
    loader = cfg.get('test_dataloader') or {}
    dataset = loader.get('dataset') if isinstance(loader, dict) else None
    yield from _below(cfg.get('model'))
    yield from _below(dataset.get('pipeline') if isinstance(dataset, dict) else None)


def _below(value: Any) -> Iterator[dict]:
    if isinstance(value, dict):
        for key, entry in dict.items(value):
            if key in READERS and isinstance(entry, dict):
                yield entry
            else:
                yield from _below(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _below(entry)


def _texts(reader: dict) -> Iterator[str]:
    """Paths that a tokenizer is given."""
    for key, value in dict.items(reader):
        if isinstance(value, str) and key != 'type' and value and '\0' not in value:
            yield value
