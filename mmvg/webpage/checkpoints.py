"""The models that can be asked on this machine: checkpoints of training runs, and the index where weights are there."""

import os.path as osp
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmvg.apis.model_index import find_model, list_models
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
        """How the choice is called on the page."""
        return self.model if self.weights is None else f'{self.weights} ({osp.basename(self.model)})'


def find_choices(folder: str | Path = 'work_dirs', first: Sequence[ModelChoice] = ()) -> list[ModelChoice]:
    """Models to choose from: ``first``, then the newest checkpoints of ``folder``, then those of the model index.

    The last checkpoint of ``make demo`` stands before other checkpoints. Of the index, only models whose weights are
    there are listed; checkpoints without a config inside are listed too, and say so when they are chosen.

    Raises:
        FileNotFoundError: If there is none at all.
    """
    folder = Path(folder)
    files = [path for suffix in SUFFIXES for path in folder.glob(f'**/*{suffix}')]
    files.sort(key=lambda path: (path != _last_of_demo(folder), -path.stat().st_mtime, str(path)))
    choices = [*first, *(ModelChoice(str(path)) for path in files)]
    for name in _indexed():
        weights = find_model(name)[1]
        if weights is not None and osp.isfile(weights):
            choices.append(ModelChoice(name))
    if not choices:
        raise FileNotFoundError(
            f'{folder}: no checkpoint there to ask. `make demo` trains one in some minutes; or give --checkpoint'
        )
    return list(dict.fromkeys(choices))


def _last_of_demo(folder: Path) -> Path | None:
    note = folder / 'instancevg_refshapes' / NOTE
    return noted_checkpoint(note) if note.is_file() else None


def _indexed() -> list[str]:
    try:
        return list_models()
    except FileNotFoundError:  # installed without a clone
        return []
