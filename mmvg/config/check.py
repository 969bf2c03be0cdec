"""The check that every config goes through before anything is built from it.

MMEngine ignores a top-level key that it does not know, and a class with ``**kwargs`` swallows a misspelt argument. Both
are errors here, all of them are listed at once, and each comes with the nearest name.
"""

import importlib
import logging
from collections.abc import Callable, Collection, Iterator
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.config.lazy import LazyAttr, LazyObject
from mmengine.logging import print_log
from mmengine.registry import Registry, root
from mmengine.utils import get_object_from_string

from mmvg.checks import suggest
from mmvg.config.errors import ConfigError
from mmvg.config.places import added_arguments, needs_type, runner_keys, untyped_arguments
from mmvg.config.references import settings_of
from mmvg.config.schedules import schedule_warnings
from mmvg.config.signatures import ANYTHING, arguments_of
from mmvg.config.sources import REFERENCE, ConfigSources


def check_config(cfg: Config, only: Collection[str] | None = None) -> None:
    """Raise one :class:`ConfigError` that lists every mistake in ``cfg``; nothing is built.

    Reported are top-level keys that neither the Runner nor the config files read or refer to, arguments that a
    ``type`` does not take, required ones that are missing where nobody else supplies them, and types that cannot be
    found. A schedule that does not fit the length of the run is warned about.

    Args:
        cfg: A config as :func:`mmvg.config.read_config` gives it.
        only: Top-level keys to look into, where others are not used; all by default. Classes that the others name are
            not imported then.

    Raises:
        ConfigError: If there is anything to report.

    Example:
        >>> from mmvg.config import read_config
        >>> cfg = read_config('lavt/tiny')
        >>> check_config(cfg)  # there is nothing to report
        >>> cfg.model.head.chanels = 8
        >>> check_config(cfg)
        Traceback (most recent call last):
            ...
        mmvg.config.errors.ConfigError: ...tiny.py: 1 problem
          model.head.chanels: ...
    """
    problems = list(_check_settings(cfg))
    for key, value in dict.items(cfg._cfg_dict):
        if key in runner_keys() and (only is None or key in only):
            problems += _visit(key, value, cfg.get('default_scope'))
    if problems:
        raise ConfigError(problems, cfg.filename or 'config')
    for warning in schedule_warnings(cfg):
        print_log(f'{cfg.filename or "config"}: {warning}', 'current', logging.WARNING)


def runner_config(cfg: Config) -> Config:
    """Copy what the Runner reads; settings and imported names stay behind, so that a dump loads again.

    Example:
        >>> from mmvg.config import read_config
        >>> runner_config(read_config('lavt/tiny')).train_cfg.max_iters
        4
    """
    kept = {key: value for key, value in cfg._cfg_dict._to_lazy_dict().items() if key in runner_keys()}
    return Config(ConfigDict(kept), filename=cfg.filename)


def _check_settings(cfg: Config) -> Iterator[str]:
    sources = ConfigSources(cfg.filename)
    read = sources.names_read() | sources.names_referenced()
    for key in sorted(settings_of(cfg).keys() - read):
        near = suggest(key, runner_keys() | read)
        yield f'{key}{sources.where(key)}: the runner has no such setting and no config file reads it{near}'


def _visit(path: str, value: Any, scope: str | None) -> Iterator[str]:
    """Check ``value`` and everything below it; types are looked up in ``scope``."""
    if isinstance(value, (LazyObject, LazyAttr)):
        yield from _find(path, value, scope)[1]
    elif isinstance(value, str) and REFERENCE.fullmatch(value):
        yield f'{path}: {value} is still a reference; mmvg.config.read_config replaces them'
    elif isinstance(value, (list, tuple)):
        for index, entry in enumerate(value):
            yield from _visit(f'{path}.{index}', entry, scope)
    elif isinstance(value, dict):
        scope = value.get('_scope_', scope)
        if 'type' in value:
            targets, problems = _find(f'{path}.type', dict.get(value, 'type'), scope)
            reports = [list(_compare(path, value, arguments_of(t), getattr(t, '__name__', str(t)))) for t in targets]
            yield from min(reports, key=len, default=problems)
        elif (arguments := untyped_arguments(path, value)) is not None:
            yield from _compare(path, value, arguments, 'the runner')
        elif needs_type(path, value):
            yield f'{path}: has no type' + suggest('type', value)
        for key, entry in dict.items(value):
            if key != 'type' and not (key == 'paramwise_cfg' and 'constructor' in value):
                yield from _visit(f'{path}.{key}', entry, scope)


def _compare(path: str, value: dict, arguments: dict[str, bool], owner: str) -> Iterator[str]:
    """Yield the keys of ``value`` that are not among ``arguments``, and required ones that are missing."""
    added, complete = added_arguments(path)
    for key in dict.keys(value):
        if key in {*arguments, *added, 'type', '_scope_'} or ANYTHING in arguments:
            continue
        if key == '_delete_':
            yield f'{path}._delete_: there was nothing to delete when this dict was merged; take it out'
        else:
            yield f'{path}.{key}: {owner} takes no such argument' + suggest(str(key), {*arguments, *added})
    for key, needed in arguments.items():
        if complete and needed and key not in {*added, *dict.keys(value)}:
            yield f'{path}.{key}: missing, and {owner} has no default for it'


def _find(path: str, name: Any, scope: str | None) -> tuple[list[Callable], list[str]]:
    """Find what a ``type`` means: the candidates, or the problems."""
    if isinstance(name, (LazyObject, LazyAttr)):
        try:
            return [name.build()], []
        except Exception as error:  # whatever a module raises while it is imported
            siblings = _attempt(lambda: dir(importlib.import_module(name.module))) or []
            return [], [f'{path}: {error}' + suggest(str(name), siblings)]
    if callable(name):
        return [name], []
    if not isinstance(name, str):
        return [], [f'{path}: must be a class or a name, not {name!r}']
    if path.endswith('.nms.type'):  # looked up by mmcv.ops.batched_nms, not in a registry
        name = f'mmcv.ops.{name}'
    if '.' in name and callable(target := _attempt(get_object_from_string, name)):
        return [target], []
    registries = [registry for registry in vars(root).values() if isinstance(registry, Registry)]
    scoped = [(registry._search_child(scope) if scope else None) or registry for registry in registries]
    found = [target for registry in scoped if callable(target := _attempt(registry.get, name))]
    known = set().union(*map(_registered, registries))
    return found, [] if found else [f'{path}: {name!r} is not registered' + suggest(name.split('.')[-1], known)]


def _attempt(function: Callable, *args: Any) -> Any:
    """Call ``function`` for something that may not exist: None then, whatever is raised."""
    try:
        return function(*args)
    except Exception:
        return None


def _registered(registry: Registry) -> set[str]:
    """Collect the names in a registry and all its children."""
    return set(registry.module_dict).union(*map(_registered, registry.children.values()))
