"""Settings of a config, and references to them.

A setting is a top-level name that the Runner does not read, such as ``size``. The string ``'${size}'``, anywhere in the
config, stands for a copy of its value; ``'${tokenizer.vocab_file}'`` and ``'${stage_channels.0}'`` are values within.
They are replaced when all files are read, so a file that inherits the config, or the command line, sets a value once
for the model, the pipelines and the loaders.
"""

import builtins
from pathlib import Path
from typing import Any

import mmengine.config.config
from mmengine.config import Config, ConfigDict
from mmengine.config.lazy import LazyAttr, LazyObject

from mmvg.checks import suggest
from mmvg.config.errors import ConfigError
from mmvg.config.library import CONFIG_SUFFIXES, find_config, installed_path
from mmvg.config.places import runner_keys
from mmvg.config.sources import REFERENCE, ConfigSources
from mmvg.config.stored import read_data_config


def _open_without_mark(file: str, mode: str = 'r', encoding: str | None = None, **options: Any) -> Any:
    """Open a config as ``open`` does, without the byte-order mark that editors on Windows leave, and Python accepts."""
    return builtins.open(file, mode, encoding='utf-8-sig' if mode == 'r' else encoding, **options)


# For `from mmvg.configs... import *` under read_base, MMEngine asks pkg_resources, which new setuptools no longer have.
mmengine.config.config.get_installed_path = installed_path
mmengine.config.config.open = _open_without_mark


def read_config(filename: str | Path, options: dict[str, Any] | None = None) -> Config:
    """Read a config file, change it by ``options``, and replace references by the values of their settings.

    Args:
        filename: A config in Python, or the name of one that comes with mmvg. JSON and YAML are read too, as data: what
            they may name is on a list (:mod:`mmvg.config.parts`), where a config in Python may import anything.
        options: Dotted key to value, as ``--cfg-options`` gives them. Those of settings apply before references are
            replaced, all others afterwards.

    Returns:
        The config without references; settings are still in it, and ``mmvg.config.runner_config`` leaves them out.

    Raises:
        FileNotFoundError: If there is no such config.
        ConfigError: If it cannot be read or changed, or with every reference that leads nowhere.

    Example:
        >>> cfg = read_config('lavt/tiny', options={'train_cfg.max_iters': 8})
        >>> cfg.train_cfg.max_iters
        8
    """
    filename = str(find_config(filename))
    if not filename.lower().endswith(CONFIG_SUFFIXES):
        mistake = 'this is no config, whose name ends in .py; of a config and a checkpoint, the config comes first'
        raise ConfigError([mistake], filename)
    cfg = _run(filename) if filename.lower().endswith('.py') else read_data_config(filename)
    sources = ConfigSources(filename)
    changes = {key: value for key, value in (options or {}).items() if key.split('.')[0] in settings_of(cfg)}
    _merge(cfg, changes)
    cfg, used = resolve_references(cfg, sources)
    if problems := [problem for key in changes for problem in _without_effect(key, used, sources)]:
        raise ConfigError(problems, filename)
    _merge(cfg, {key: value for key, value in (options or {}).items() if key not in changes})
    return resolve_references(cfg, sources)[0]


def _run(filename: str) -> Config:
    """Read a config in Python."""
    try:
        return Config.fromfile(filename)
    except KeyError as error:
        raise ConfigError([f'read_base imports {error}, which the inherited file does not define'], filename) from error
    except Exception as error:  # a config is a program, and may fail like one
        raise ConfigError([f'{type(error).__name__}: {error}'], filename) from error


def settings_of(cfg: Config) -> dict[str, Any]:
    """Return the top-level values of ``cfg`` that the Runner does not read, without what files import."""
    keys = runner_keys() | getattr(cfg, '_imported_names', set())
    return {
        key: value
        for key, value in dict.items(cfg._cfg_dict)
        if key not in keys and not isinstance(value, (LazyObject, LazyAttr))
    }


def resolve_references(cfg: Config, sources: ConfigSources) -> tuple[Config, set[str]]:
    """Replace the references in ``cfg``.

    Returns:
        A new config, and the names of the settings that reach the Runner.

    Raises:
        ConfigError: With every reference to an unknown name, to a key of the Runner, or to itself.
    """
    resolver = _Resolver(cfg, sources)
    values = {key: resolver.resolve(value, key, (key,)) for key, value in resolver.values.items()}
    if resolver.problems:
        raise ConfigError(resolver.problems, cfg.filename or 'config')
    resolved = Config(ConfigDict(values), filename=cfg.filename)
    object.__setattr__(resolved, '_imported_names', getattr(cfg, '_imported_names', set()))
    return resolved, resolver.used


class _CycleError(LookupError):
    pass


class _Resolver:
    def __init__(self, cfg: Config, sources: ConfigSources) -> None:
        self.values = cfg._cfg_dict._to_lazy_dict()
        self.settings = settings_of(cfg)
        self.sources = sources
        self.problems: list[str] = []
        self.used: set[str] = set()

    def resolve(self, value: Any, path: str, trail: tuple[str, ...]) -> Any:
        """Return a copy of ``value`` without references; ``trail`` holds the top-level names that led to it."""
        if isinstance(value, dict):
            return {key: self.resolve(entry, f'{path}.{key}', trail) for key, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.resolve(entry, f'{path}.{index}', trail) for index, entry in enumerate(value))
        if not isinstance(value, str) or '${' not in value:
            return value
        try:
            return self.look_up(value, path, trail)
        except LookupError as error:
            if len(trail) > 1 and isinstance(error, _CycleError):
                raise
            if len(trail) == 1:  # else it is reported where the setting stands
                self.problems.append(f'{path}{self.sources.where_written(value)}: {value}: {error.args[0]}')
            return None

    def look_up(self, text: str, path: str, trail: tuple[str, ...]) -> Any:
        match = REFERENCE.fullmatch(text)
        if match is None:
            raise LookupError("a reference is the whole string, '${name}' or '${name.key}'")
        name, *keys = match[1].split('.')
        if name in trail:
            raise _CycleError(f'{name!r} refers to itself')
        if name not in self.settings:
            if name in self.values:
                raise LookupError(f'{name!r} is not a setting: the runner reads it, or a file imports it')
            raise LookupError(f'there is no such setting{suggest(name, self.settings)}')
        if trail[0] not in self.settings:
            self.used.add(name)
        value = self.resolve(self.values[name], path, (*trail, name))
        for key in keys:
            try:
                value = value[int(key)] if isinstance(value, (list, tuple)) else value[key]
            except (LookupError, TypeError, ValueError):
                known = value if isinstance(value, dict) else ()
                raise LookupError(f'there is no {key!r} in it{suggest(key, known)}') from None
        return value


def _merge(cfg: Config, options: dict[str, Any]) -> None:
    try:
        cfg.merge_from_dict(options)
    except (KeyError, TypeError) as error:
        raise ConfigError([f'--cfg-options: {error.args[0]}'], cfg.filename) from error
    except AttributeError as error:  # of MMEngine, for an entry of a list that is to become no dict
        keys = ', '.join(key for key in options if key.rpartition('.')[2].isdigit())
        problem = f'--cfg-options: {keys}: an entry of a list cannot be replaced; set a key in it, or the whole list'
        raise ConfigError([problem], cfg.filename) from error


def _without_effect(option: str, used: set[str], sources: ConfigSources) -> list[str]:
    """Say why an option for a setting would change nothing, or not everything."""
    name = option.split('.')[0]
    if name in sources.names_read():
        return [
            f'{option}: --cfg-options come too late for {name!r}, which a config file has computed with already; '
            'set the places where it is used, or change the file'
        ]
    if name not in used and name in sources.names_referenced():
        return [f'{option}: nothing in this config uses {name!r}']
    return []
