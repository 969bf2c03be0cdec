"""The check that every config goes through before anything is built from it.

MMEngine ignores a top-level key that it does not know, and a class with ``**kwargs`` swallows a misspelt argument. Both
are errors here, all of them are listed at once, and each comes with the nearest name.
"""

import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.config.lazy import LazyAttr, LazyObject
from mmengine.registry import Registry, root
from mmengine.utils import get_object_from_string

from mmvg.checks import suggest
from mmvg.config.errors import ConfigError
from mmvg.config.places import (
    PARAMWISE_KEYS,
    Place,
    needs_type,
    place_of,
    runner_keys,
    untyped_arguments,
)
from mmvg.config.signatures import Arguments, arguments_of
from mmvg.config.sources import ConfigSources


def check_config(cfg: Config) -> None:
    """Raise one :class:`ConfigError` that lists every mistake in ``cfg``; nothing is built.

    Reported are top-level keys that neither the Runner nor the config files read or refer to, arguments that a
    ``type`` does not take, required ones that are missing where nobody else supplies them, and types that cannot be
    found.

    Args:
        cfg: A config as :func:`mmvg.config.read_config` gives it.
    """
    problems = _Checker(cfg).problems()
    if problems:
        raise ConfigError(problems, cfg.filename or 'config')


def runner_config(cfg: Config) -> Config:
    """Copy what the Runner reads; helper variables and imported names stay behind, so that a dump loads again."""
    keys = runner_keys()
    kept = {key: value for key, value in cfg._cfg_dict._to_lazy_dict().items() if key in keys}
    return Config(ConfigDict(kept), filename=cfg.filename)


class _Checker:
    def __init__(self, cfg: Config) -> None:
        self.top = dict(dict.items(cfg._cfg_dict))
        self.imported = getattr(cfg, '_imported_names', set())
        self.sources = ConfigSources(cfg.filename)
        self.scope = self.top.get('default_scope')

    def problems(self) -> list[str]:
        found = list(self.check_top_level())
        keys = runner_keys()
        for key, value in self.top.items():
            if key in keys:
                found += self.check_untyped(key, value)
                found += self.visit(key, value, self.scope)
        return found

    def check_top_level(self) -> Iterator[str]:
        keys = runner_keys()
        read = self.sources.names_read() | self.sources.names_referenced()
        for key, value in self.top.items():
            if key in keys or key in self.imported or isinstance(value, (LazyObject, LazyAttr)):
                continue
            if key not in read:
                yield (
                    f'{key}{self.sources.where(key)}: the runner has no such setting and no config file reads it'
                    + suggest(key, keys | read)
                )

    def check_untyped(self, key: str, value: Any) -> Iterator[str]:
        """Dicts that the Runner reads without a ``type``."""
        if not isinstance(value, dict):
            return
        accepted = untyped_arguments(key, value)
        if accepted is not None:
            yield from _unknown(key, value, accepted, 'the runner')
        if key == 'optim_wrapper' and 'constructor' not in value:
            paramwise = Arguments(PARAMWISE_KEYS)
            yield from _unknown(f'{key}.paramwise_cfg', value.get('paramwise_cfg') or {}, paramwise, 'mmengine')
        if key == 'env_cfg':
            processes = Arguments({'mp_start_method', 'opencv_num_threads'})
            yield from _unknown(f'{key}.mp_cfg', value.get('mp_cfg') or {}, processes, 'mmengine')

    def visit(self, path: str, value: Any, scope: str | None) -> Iterator[str]:
        if isinstance(value, (LazyObject, LazyAttr)):
            yield from self.resolve(path, value, scope)[1]
        elif isinstance(value, dict):
            scope = value.get('_scope_', scope)
            if 'type' in value:
                yield from self.check_typed(path, value, scope)
            elif (place := place_of(path)) and place.supplied is not None and needs_type(path, value):
                yield f'{path}: has no type' + suggest('type', value)
            for key, entry in dict.items(value):
                if key != 'type':
                    yield from self.visit(f'{path}.{key}', entry, scope)
        elif isinstance(value, (list, tuple)):
            for index, entry in enumerate(value):
                yield from self.visit(f'{path}.{index}', entry, scope)

    def check_typed(self, path: str, value: dict, scope: str | None) -> Iterator[str]:
        targets, problems = self.resolve(f'{path}.type', dict.get(value, 'type'), scope)
        yield from problems
        if not targets:
            return
        place = place_of(path)
        reports = [list(_compare(path, value, target, place)) for target in targets]
        yield from min(reports, key=len)
        for key, owner in getattr(targets[0], 'untyped_settings', {}).items():
            given = dict.get(value, key)
            if isinstance(given, dict) and 'type' not in given:
                yield from _unknown(f'{path}.{key}', given, arguments_of(owner), owner.__name__)

    def resolve(self, path: str, name: Any, scope: str | None) -> tuple[list[Callable], list[str]]:
        """Find what a ``type`` means: the candidates, or the problems."""
        if isinstance(name, (LazyObject, LazyAttr)):
            try:
                return [name.build()], []
            except Exception as error:  # whatever a module raises while it is imported
                return [], [f'{path}: {error}' + suggest(str(name), _siblings(name))]
        if callable(name):
            return [name], []
        if not isinstance(name, str):
            return [], [f'{path}: must be a class or a name, not {name!r}']
        if re.fullmatch(r'.*\.nms\.type', path):  # looked up by mmcv.ops.batched_nms, not in a registry
            return _found(getattr(importlib.import_module('mmcv.ops'), name, None), path, name, [])
        if '.' in name and callable(target := _from_path(name)):
            return [target], []
        place = place_of(path.removesuffix('.type'))
        registries = _registries(place.registry if place else None)
        hits = list(_from_registries(name, registries[:1], scope)) or list(_from_registries(name, registries, scope))
        if hits:
            return hits, []
        return _found(None, path, name, _registered(registries[0]) or _registered(*registries))


def _compare(path: str, value: dict, target: Callable, place: Place | None) -> Iterator[str]:
    """Problems of a dict whose ``type`` is ``target``."""
    accepted = arguments_of(target)
    supplied, popped = (place.supplied, place.popped) if place else (None, ())
    required = set() if supplied is None else accepted.required - set(supplied)
    accepted = Arguments(accepted.names | set(popped) | {'type', '_scope_'}, required, accepted.anything)
    yield from _unknown(path, value, accepted, getattr(target, '__name__', str(target)))


def _unknown(path: str, given: dict, accepted: Arguments, owner: str) -> Iterator[str]:
    for key in accepted.unknown(dict.keys(given)):
        if key == '_delete_':
            yield f'{path}._delete_: there was nothing to delete when this dict was merged; take it out'
        else:
            yield f'{path}.{key}: {owner} takes no such argument' + suggest(str(key), accepted.names)
    for key in sorted(accepted.required - set(dict.keys(given))):
        yield f'{path}.{key}: missing, and {owner} has no default for it'


def _found(target: Any, path: str, name: str, known: Iterable[str]) -> tuple[list[Callable], list[str]]:
    if target is not None:
        return [target], []
    return [], [f'{path}: {name!r} is not registered' + suggest(name.split('.')[-1], known)]


def _from_path(name: str) -> Any:
    try:
        return get_object_from_string(name)
    except Exception:  # not a dotted path to an object, so it is a registered name
        return None


def _registries(first: str | None) -> list[Registry]:
    """mmengine's root registries, the likeliest one first."""
    found = {name: value for name, value in vars(root).items() if isinstance(value, Registry)}
    order = sorted(found, key=lambda name: name != first)
    return [found[name] for name in order]


def _from_registries(name: str, registries: list[Registry], scope: str | None) -> Iterator[Callable]:
    for registry in registries:
        try:
            target = ((registry._search_child(scope) if scope else None) or registry).get(name)
        except RuntimeError:  # what mmengine raises for a name that it does not have
            target = None
        if callable(target):
            yield target


def _registered(*registries: Registry) -> set[str]:
    """Names in the registries and all their children."""
    names = set()
    for registry in registries:
        names |= set(registry.module_dict) | _registered(*registry.children.values())
    return names


def _siblings(name: LazyObject | LazyAttr) -> list[str]:
    """Public names of the module that ``name`` was to be imported from."""
    try:
        return [other for other in dir(importlib.import_module(name.module)) if not other.startswith('_')]
    except Exception:  # the module itself cannot be imported, and the error says so already
        return []
