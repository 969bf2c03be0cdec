"""The check that every config goes through before anything is built from it.

MMEngine ignores a top-level key that it does not know, and a class with ``**kwargs`` swallows a misspelt argument. Both
are errors here, all of them are listed at once, and each comes with the nearest name.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator
from inspect import Parameter, Signature
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.config.lazy import LazyAttr, LazyObject
from mmengine.registry import Registry, root
from mmengine.utils import get_object_from_string

from mmvg.checks import suggest
from mmvg.config.errors import ConfigError
from mmvg.config.places import added_arguments, needs_type, runner_keys, untyped_signature
from mmvg.config.references import settings_of
from mmvg.config.signatures import keywords, required, signature_of, unknown
from mmvg.config.sources import ConfigSources


def check_config(cfg: Config) -> None:
    """Raise one :class:`ConfigError` that lists every mistake in ``cfg``; nothing is built.

    Reported are top-level keys that neither the Runner nor the config files read or refer to, arguments that a
    ``type`` does not take, required ones that are missing where nobody else supplies them, and types that cannot be
    found.

    Args:
        cfg: A config as :func:`mmvg.config.read_config` gives it.

    Raises:
        ConfigError: If there is anything to report.
    """
    problems = list(_check_settings(cfg))
    for key, value in dict.items(cfg._cfg_dict):
        if key in runner_keys():
            problems += _visit(key, value, cfg.get('default_scope'))
    if problems:
        raise ConfigError(problems, cfg.filename or 'config')


def runner_config(cfg: Config) -> Config:
    """Copy what the Runner reads; settings and imported names stay behind, so that a dump loads again."""
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
    elif isinstance(value, (list, tuple)):
        for index, entry in enumerate(value):
            yield from _visit(f'{path}.{index}', entry, scope)
    elif isinstance(value, dict):
        scope = value.get('_scope_', scope)
        if 'type' in value:
            targets, problems = _find(f'{path}.type', dict.get(value, 'type'), scope)
            reports = [list(_compare(path, value, signature_of(target), _name(target))) for target in targets]
            yield from min(reports, key=len, default=problems)
        elif (signature := untyped_signature(path, value)) is not None:
            yield from _compare(path, value, signature, 'the runner')
        elif needs_type(path, value):
            yield f'{path}: has no type' + suggest('type', value)
        for key, entry in dict.items(value):
            if key != 'type' and not (key == 'paramwise_cfg' and 'constructor' in value):
                yield from _visit(f'{path}.{key}', entry, scope)


def _compare(path: str, value: dict, signature: Signature, owner: str) -> Iterator[str]:
    """Yield the arguments of ``value`` that ``signature`` does not take, and those that are missing."""
    added, complete = added_arguments(path)
    extra = keywords(*({*added, 'type', '_scope_'} - signature.parameters.keys())).parameters
    accepted = sorted([*signature.parameters.values(), *extra.values()], key=lambda p: p.kind is p.VAR_KEYWORD)
    names = {p.name for p in accepted if p.kind is not Parameter.VAR_KEYWORD}
    for key in unknown(Signature(accepted), dict.keys(value)):
        if key == '_delete_':
            yield f'{path}._delete_: there was nothing to delete when this dict was merged; take it out'
        else:
            yield f'{path}.{key}: {owner} takes no such argument' + suggest(str(key), names)
    for key in sorted(required(signature) - added - dict.keys(value)) if complete else ():
        yield f'{path}.{key}: missing, and {owner} has no default for it'


def _find(path: str, name: Any, scope: str | None) -> tuple[list[Callable], list[str]]:
    """Find what a ``type`` means: the candidates, or the problems."""
    known: Iterable[str] = ()
    if isinstance(name, (LazyObject, LazyAttr)):
        try:
            return [name.build()], []
        except Exception as error:  # whatever a module raises while it is imported
            return [], [f'{path}: {error}' + suggest(str(name), _siblings(name))]
    if callable(name):
        return [name], []
    if not isinstance(name, str):
        return [], [f'{path}: must be a class or a name, not {name!r}']
    if path.endswith('.nms.type'):  # looked up by mmcv.ops.batched_nms, not in a registry
        found = [getattr(importlib.import_module('mmcv.ops'), name, None)]
    elif '.' in name and callable(target := _from_path(name)):
        found = [target]
    else:
        registries = [registry for registry in vars(root).values() if isinstance(registry, Registry)]
        found = [_from_registry(registry, name, scope) for registry in registries]
        known = set().union(*map(_registered, registries))
    found = [target for target in found if callable(target)]
    return found, [] if found else [f'{path}: {name!r} is not registered' + suggest(name.split('.')[-1], known)]


def _name(target: Callable) -> str:
    return getattr(target, '__name__', str(target))


def _from_path(name: str) -> Any:
    try:
        return get_object_from_string(name)
    except Exception:  # not a dotted path to an object, so it is a registered name
        return None


def _from_registry(registry: Registry, name: str, scope: str | None) -> Any:
    try:
        return ((registry._search_child(scope) if scope else None) or registry).get(name)
    except RuntimeError:  # what mmengine raises for a name that it does not have
        return None


def _registered(registry: Registry) -> set[str]:
    """Collect the names in a registry and all its children."""
    return set(registry.module_dict).union(*map(_registered, registry.children.values()))


def _siblings(name: LazyObject | LazyAttr) -> list[str]:
    """List the public names of the module that ``name`` was to be imported from."""
    try:
        return [other for other in dir(importlib.import_module(name.module)) if not other.startswith('_')]
    except Exception:  # the module itself cannot be imported, and the error says so already
        return []
