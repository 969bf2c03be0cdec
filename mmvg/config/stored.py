"""The one door for configs that travel in a file: in a checkpoint, a model folder, or as JSON or YAML.

Such a config is data. It is read without being run, and every ``type`` in it is held against a closed list before
anything is built (:mod:`mmvg.config.parts`). Only whoever says ``trust_config=True`` has the text of a stranger run.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from mmengine.utils import import_modules_from_strings

from mmvg.config.errors import ConfigError
from mmvg.config.limits import check_nesting
from mmvg.config.literals import NoLiteralError, parse_literals
from mmvg.config.parts import PACKAGES, problem_of_part
from mmvg.config.plain_data import from_json

#: Bytes of a config in JSON or YAML that are read.
MAX_FILE = 200_000
#: How to go on where a stored config is refused.
WAYS_OUT = (
    'A config in a file is data, and may name only parts of mmvg and of the libraries that it is built on. Give a '
    'config of your own with this file as its weights; or import the module that registers the part first; or, if you '
    'trust who made the file, open it with trust_config=True (--trust-config), which runs what it says'
)


#: The same for a config in JSON or YAML.
DATA_WAYS_OUT = (
    'A config in JSON or YAML is data, and may name only parts of mmvg and of the libraries that it is built on. Write '
    'it in Python, which may import anything and is run, or import the module that registers the part first'
)


def stored_config(stored: Any, source: str | Path, trust_config: bool = False) -> Config:
    """Make a config of what a file carries.

    Args:
        stored: Plain data, as mmvg keeps a config; or Python text, as MMEngine does, which is read but not run.
        source: The file, named in errors.
        trust_config: Run text as a program and let every ``type`` be any importable name.

    Raises:
        ConfigError: If it is no config, does more than give values to names, or names what is not on the list.

    Example:
        >>> stored_config(dict(model=dict(type='mmvg.models.Grounder')), 'lavt.pth').model.type
        'mmvg.models.Grounder'
        >>> stored_config("import os; os.system('reboot')", 'lavt.pth')
        Traceback (most recent call last):
            ...
        mmvg.config.errors.ConfigError: lavt.pth, its config: 1 problem
          line 1 (import os) does more than give a name a value
        ...
    """
    label = f'{source}, its config'
    if trust_config:
        return _trusted(stored, label)
    try:
        data = parse_literals(stored) if isinstance(stored, str) else stored
    except NoLiteralError as error:
        raise ConfigError([str(error)], label, WAYS_OUT) from None
    return _checked(data, label, WAYS_OUT)


def read_data_config(path: str | Path) -> Config:
    """Read a config in JSON or YAML, which is data like one inside a checkpoint.

    Raises:
        ConfigError: If it cannot be read, or names what is not on the list.

    Example:
        >>> _ = Path('mine.yml').write_text('model: !!python/object/apply:os.system [reboot]')
        >>> read_data_config('mine.yml')
        Traceback (most recent call last):
            ...
        mmvg.config.errors.ConfigError: mine.yml: 1 problem
          it is no plain YAML (could not determine a constructor for the tag ...
    """
    path = Path(path)
    if (size := path.stat().st_size) > MAX_FILE:
        raise ConfigError([f'the file has {size:,} bytes, and at most {MAX_FILE:,} are read'], str(path))
    try:
        text = path.read_text(encoding='utf-8-sig')
        data = from_json(text) if path.suffix.lower() == '.json' else yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = ' '.join(str(getattr(error, 'problem', None) or error).split())
        raise ConfigError([f'it is no plain YAML ({reason})'], str(path)) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError([f'it cannot be read ({type(error).__name__}: {error})'], str(path)) from None
    if isinstance(data, dict) and '_base_' in data:
        raise ConfigError(['_base_: a config that inherits is written in Python, with read_base'], str(path))
    config = _checked(data, str(path), DATA_WAYS_OUT)
    return Config(config._cfg_dict, filename=str(path))


def _checked(data: Any, label: str, way_out: str) -> Config:
    try:
        check_nesting(data)
        if not isinstance(data, dict):
            raise ValueError(f'is a {type(data).__name__}, not a dict')
    except ValueError as error:
        raise ConfigError([str(error)], label) from None
    if problems := list(_problems(data, '', False)):
        raise ConfigError(problems, label, way_out)
    return _config(data, label)


def _problems(value: Any, path: str, model: bool) -> Iterator[str]:
    """Yield what is not data, and every part that is not on the list."""
    if isinstance(value, dict):
        for key, entry in value.items():
            here = f'{path}.{key}' if path else str(key)
            if not isinstance(key, (str, int)):
                yield f'{here}: a key must be a name'
            elif key in _NAMING and entry is not None:
                if (reason := problem_of_part(entry, model, 'nms' in path.rpartition('.')[2])) is not None:
                    yield f'{here}: {entry!r:.100} {reason}'
            elif key == '_scope_' and entry not in PACKAGES:
                yield f'{here}: {entry!r:.100} is none of {", ".join(PACKAGES)}'
            else:
                yield from _problems(entry, here, model or key in ('model', 'pipeline'))
    elif isinstance(value, (list, tuple)):
        for index, entry in enumerate(value):
            yield from _problems(entry, f'{path}.{index}', model)
    elif value is not None and type(value) not in (bool, int, float, str):
        yield f'{path}: a {type(value).__name__} is no plain data'


#: Keys whose value is the name of something that is called.
_NAMING = ('type', 'constructor', 'runner_type')


def _config(data: dict, label: str) -> Config:
    try:
        return Config(ConfigDict(data))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError([f'it is no config of MMEngine ({error})'], label) from error


def _trusted(stored: Any, label: str) -> Config:
    """Run a config as MMEngine does."""
    warning = f'{label} is trusted: it is run as a program, or builds whatever it names (trust_config)'
    print_log(warning, 'current', logging.WARNING)
    if isinstance(stored, str):
        return Config.fromstring(stored, file_format='.py')
    if not isinstance(stored, dict):
        raise ConfigError([f'is a {type(stored).__name__}, not a dict'], label)
    config = _config(stored, label)
    if imports := config.get('custom_imports'):
        import_modules_from_strings(**imports)
    return config
