"""An exported model in a folder: graphs for one backend, and all that is needed to ask them, as data.

==================== =================================================================================
``export.json``      version of the format, the parts and their inputs and outputs, how pictures and
                     sentences are prepared, how outputs become answers, and the SHA-256 of every file
``*.onnx``, ``*.xml`` the graphs: one for the whole model, or one for each tower and one for what
with ``*.bin``,      brings them together
``*.pt2``
``vocab.txt``, ...   what the model needs to read text
``config.json``      the config of the model, for people and programs that want to know more
``parity.json``      how the answers compare with those of the model (``parity.txt``: as a table)
==================== =================================================================================
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmvg.checks import check_choice
from mmvg.foreign_files import read_whole
from mmvg.whole_files import sha256_of, write_whole

MANIFEST = 'export.json'
#: Of the format; a folder with another one was written by another mmvg.
VERSION = 1
#: Forms of a graph, and which backend answers from it unless another is asked for.
BACKENDS = {'torch': 'torch', 'onnx': 'onnxruntime', 'openvino': 'openvino'}
_MAX_BYTES = 1_000_000
_FILE_NAME = re.compile(r'\w[\w.-]*')


class ExportError(ValueError):
    """A folder is no exported model, is damaged, or cannot be used as asked; the message says what to do."""


@dataclass(frozen=True)
class Port:
    """An input or an output of a graph.

    Args:
        name: Of the tensor.
        shape: Its sides, the first of which, the number of samples, is free and stands as None.
        dtype: As NumPy calls it.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True)
class Part:
    """A graph.

    Args:
        file: Of the folder.
        inputs: What it takes.
        outputs: What it gives, in their order.
    """

    file: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass
class ExportedModel:
    """What ``export.json`` says.

    Args:
        form: Of the graphs: ``'torch'``, ``'onnx'`` or ``'openvino'``.
        int8: Whether weights and activations are whole numbers of 8 bits.
        parts: ``'whole'``; or ``'image'``, ``'text'`` and ``'fusion'``, which takes what the other two give.
        preparation: See :class:`mmvg.export.preparation.Preparation`.
        answers: See :func:`mmvg.export.answers.answering`.
        calibration: Temperatures ``target`` and ``boxes`` of the scores, None where there is none.
        sha256: Of every file beside ``export.json``, in hexadecimal.
        written_by: Versions of the libraries that wrote it, for people.
        folder: Where it is.
    """

    form: str
    int8: bool
    parts: dict[str, Part]
    preparation: dict[str, Any]
    answers: dict[str, Any]
    calibration: dict[str, float | None]
    sha256: dict[str, str] = field(default_factory=dict)
    written_by: dict[str, str] = field(default_factory=dict)
    folder: Path = Path()

    def input(self, name: str) -> Port:
        """Return the input of that name, whichever part has it."""
        return next(port for part in self.parts.values() for port in part.inputs if port.name == name)


def is_exported(path: Any) -> bool:
    """Whether a path is the folder of an exported model.

    Example:
        >>> is_exported('nowhere')
        False
    """
    try:
        return isinstance(path, (str, Path)) and (Path(path).expanduser() / MANIFEST).is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def write_manifest(model: ExportedModel) -> None:
    """Write ``export.json`` with the sums of the files that lie in the folder now."""
    files = sorted(path for path in model.folder.iterdir() if path.is_file() and path.name != MANIFEST)
    model.sha256 = {path.name: sha256_of(path) for path in files}
    content = asdict(model)
    del content['folder']
    content = dict(format='mmvg-export', format_version=VERSION, **content)
    write_whole(model.folder / MANIFEST, json.dumps(content, indent=2) + '\n')


def listed_files(folder: str | Path) -> set[str]:
    """Names of the files that ``export.json`` of a folder lists; none if it cannot be read."""
    try:
        content = json.loads(read_whole(Path(folder) / MANIFEST))
        return {_name(name) for name in content['sha256']}
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return set()


def read_manifest(folder: str | Path) -> ExportedModel:
    """Read an exported model, except for its graphs, and check every file by its sum; nothing in it is run.

    Raises:
        FileNotFoundError: If it is no such folder, or lacks a file that it lists.
        ExportError: If it is damaged, or of another version.
    """
    folder = Path(folder).expanduser()
    file = folder / MANIFEST
    if not file.is_file():
        raise FileNotFoundError(f'{folder}: no exported model, which has {MANIFEST}; mmvg export --to onnx writes one')
    if (size := file.stat().st_size) > _MAX_BYTES:
        raise ExportError(f'{file}: {size:,} bytes are more than it has in an exported model')
    try:
        content = json.loads(read_whole(file))
    except (ValueError, RecursionError) as error:
        raise ExportError(f'{file}: cannot be read ({error}); export the model again') from None
    if not isinstance(content, dict) or content.get('format') != 'mmvg-export':
        raise ExportError(f'{file}: is not of an exported model of mmvg: "format" must be "mmvg-export"')
    if (version := content.get('format_version')) != VERSION:
        cure = 'install a newer mmvg' if isinstance(version, int) and version > VERSION else 'export the model again'
        raise ExportError(
            f'{file}: is of version {version!r} of the format, and this mmvg reads version {VERSION}; {cure}'
        )
    try:
        model = _read(content, folder)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ExportError(f'{file}: is malformed ({type(error).__name__}: {error}); export the model again') from None
    _check_sums(model)
    return model


def _read(content: Mapping[str, Any], folder: Path) -> ExportedModel:
    parts = {
        str(name): Part(
            _name(part['file']),
            *(
                tuple(Port(str(port['name']), tuple(port['shape']), str(port['dtype'])) for port in part[side])
                for side in ('inputs', 'outputs')
            ),
        )
        for name, part in content['parts'].items()
    }
    if set(parts) not in ({'whole'}, {'image', 'text', 'fusion'}):
        raise ValueError(f'parts are {sorted(parts)}')
    sums = {_name(name): str(value) for name, value in content['sha256'].items()}
    if missing := {part.file for part in parts.values()} - set(sums):
        raise ValueError(f'no sum of {", ".join(sorted(missing))}')
    return ExportedModel(
        check_choice('form', content['form'], tuple(BACKENDS)),
        bool(content['int8']),
        parts,
        dict(content['preparation']),
        dict(content['answers']),
        dict(content['calibration']),
        sums,
        dict(content['written_by']),
        folder,
    )


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _FILE_NAME.fullmatch(value):
        raise ValueError(f'{value!r:.80} is no name of a file beside it')
    return value


def _check_sums(model: ExportedModel) -> None:
    for name, expected in model.sha256.items():
        path = model.folder / name
        if not path.is_file():
            raise FileNotFoundError(f'{path}: is missing, and {MANIFEST} lists it; export the model again')
        if sha256_of(path) != expected:
            raise ExportError(
                f'{path}: is damaged, or not what {MANIFEST} was written with (its SHA-256 is another); '
                'fetch the folder or export the model again'
            )
