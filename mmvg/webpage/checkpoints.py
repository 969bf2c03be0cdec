"""The models that can be asked on this machine: checkpoints of training runs, and the index where weights are there."""

import os
import os.path as osp
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmvg.apis.model_index import model_index, pretrained_models
from mmvg.weights.latest import NOTE, noted_checkpoint

SUFFIXES = ('.pth', '.safetensors')


@dataclass(frozen=True)
class ModelChoice:
    """What :class:`mmvg.apis.GroundingInferencer` is built from.

    Args:
        model: A config, a checkpoint that carries its config, or a name of the index.
        weights: A checkpoint, unless ``model`` is one or the index knows it.
        trust_config: Whether the config that the checkpoint carries is run as a program.
    """

    model: str
    weights: str | None = None
    trust_config: bool = False

    @property
    def label(self) -> str:
        """How the choice is called on the page, which tells nobody where the folders of this machine are."""
        if self.weights is None:
            return _without_folders(self.model)
        return f'{_without_folders(self.weights)} ({osp.basename(self.model)})'


def find_choices(folder: str | Path = 'work_dirs', first: Sequence[ModelChoice] = ()) -> list[ModelChoice]:
    """Models to choose from: ``first``, then the newest checkpoints of ``folder``, then those of the model index.

    The last checkpoint of ``make train`` stands before other checkpoints. What is no file, such as a link to one that
    is gone, is passed over. Of the index, only models whose weights or, of other libraries, whose folders are there are
    listed; checkpoints without a config inside are listed too, and say so when they are chosen. Models that come with
    mmvg stand at the end.

    Raises:
        FileNotFoundError: If there is none at all.
    """
    folder = Path(folder)
    times = {path: time for suffix in SUFFIXES for path in folder.glob(f'**/*{suffix}') if (time := _written(path))}
    last = _last_of_demo(folder)
    files = sorted(times, key=lambda path: (path != last, -times[path], str(path)))
    choices = [*first, *(ModelChoice(str(path)) for path in files)]
    for name, entry in _indexed().items():
        if osp.isfile(entry.get('Weights') or '') or osp.isdir(entry.get('Folder') or ''):
            choices.append(ModelChoice(name))
    choices += map(ModelChoice, pretrained_models())
    if not choices:
        raise FileNotFoundError(
            f'{folder}: no checkpoint there to ask. `make train` trains one in some minutes; or give --checkpoint'
        )
    return list(dict.fromkeys(choices))


def _written(path: Path) -> float | None:
    """When a file was written last; None for what is none, or is gone."""
    try:
        return path.stat().st_mtime if path.is_file() else None
    except OSError:
        return None


def _without_folders(path: str) -> str:
    """A relative path as it is; of an absolute one what is below the present folder, or its last three parts."""
    if not osp.isabs(path):
        return path
    below = osp.relpath(path)
    return below if not below.startswith(os.pardir) else osp.join(*Path(path).parts[1:][-3:])


def _last_of_demo(folder: Path) -> Path | None:
    note = folder / 'instancevg_refshapes' / NOTE
    return noted_checkpoint(note) if note.is_file() else None


def _indexed() -> dict[str, dict]:
    try:
        return model_index()
    except FileNotFoundError:  # installed without a clone
        return {}
