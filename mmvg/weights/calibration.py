"""Temperatures that were fitted for certain weights, in a small file beside them.

``model.calibration.json`` stands beside ``model.pth``, ``calibration.json`` in a model folder. It names the weights by
their SHA-256, for another training at the same place needs other temperatures.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmvg.config.plain_data import from_json
from mmvg.weights.errors import CheckpointError
from mmvg.weights.latest import NOTE, noted_checkpoint
from mmvg.weights.model_folder import WEIGHTS, is_model_folder
from mmvg.whole_files import sha256_of, write_whole

VERSION = 1
_MAX_BYTES = 100_000
_TEMPERATURES = (0.01, 100.0)


@dataclass(frozen=True)
class Calibration:
    """What the log-odds of scores are divided by.

    Args:
        target: Of the score that anything is meant; None where it was not fitted.
        boxes: Of the scores of instances; None where it was not fitted.
        fitted: On what, and how good: ``data``, ``expressions``, and ``ECE_target`` and ``ECE_box`` before and after.

    Raises:
        ValueError: If a temperature is no number from 0.01 to 100.

    Example:
        >>> Calibration(target=1.8).boxes is None
        True
    """

    target: float | None = None
    boxes: float | None = None
    fitted: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        low, high = _TEMPERATURES
        for name in ('target', 'boxes'):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (number and low <= value <= high):
                raise ValueError(f'{name} must be a temperature from {low:g} to {high:g}, not {value!r}')


def calibration_file(weights: str | Path) -> Path:
    """Return where the calibration of a checkpoint or of a model folder is.

    Example:
        >>> calibration_file('work_dirs/lavt/epoch_40.pth').as_posix()
        'work_dirs/lavt/epoch_40.calibration.json'
    """
    weights = _noted(weights)
    return weights / 'calibration.json' if is_model_folder(weights) else weights.with_suffix('.calibration.json')


def write_calibration(weights: str | Path, calibration: Calibration) -> Path:
    """Write a calibration beside its weights, a checkpoint or a model folder.

    Raises:
        FileNotFoundError: If there are no such weights.

    Example:
        >>> import torch
        >>> torch.save({'weight': torch.ones(3)}, 'model.pth')
        >>> write_calibration('model.pth', Calibration(target=1.8)).name
        'model.calibration.json'
        >>> read_calibration('model.pth').target
        1.8
    """
    content = dict(version=VERSION, weights=dict(sha256=sha256_of(_file_of(weights))), **asdict(calibration))
    path = calibration_file(weights)
    write_whole(path, json.dumps(content, indent=2) + '\n')
    return path


def read_calibration(weights: str | Path) -> Calibration | None:
    """Read the calibration of a checkpoint or a model folder.

    Returns:
        None if there is none, or if it was fitted for other weights, which is logged.

    Raises:
        CheckpointError: If the file is damaged, or of another version.
    """
    path = calibration_file(weights)
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f'it has {path.stat().st_size:,} bytes')
        content = from_json(path.read_text(encoding='utf-8'))
        if content['version'] != VERSION:
            raise ValueError(f'it is of version {content["version"]!r}, and version {VERSION} can be read')
        found = Calibration(content['target'], content['boxes'], dict(content['fitted']))
        digest = content['weights']['sha256']
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f'{path}: is no calibration ({error}); fit it again with mmvg calibrate') from error
    if digest != sha256_of(_file_of(weights)):
        message = f'{path} was fitted for other weights and is not used; fit it again with mmvg calibrate, or delete it'
        print_log(message, 'current', logging.WARNING)
        return None
    return found


def _noted(weights: str | Path) -> Path:
    """Return what is meant: of MMEngine's ``last_checkpoint``, the checkpoint that it names."""
    path = Path(weights)
    return noted_checkpoint(path) if path.name == NOTE and path.is_file() else path


def _file_of(weights: str | Path) -> Path:
    path = _noted(weights)
    path = path / WEIGHTS if is_model_folder(path) else path
    if not path.is_file():
        raise FileNotFoundError(f'{path}: there are no such weights')
    return path
