"""The check that every config goes through before anything is built from it.

MMEngine ignores a top-level key that it does not know, and a class with ``**kwargs`` swallows a misspelt argument. Both
are errors here, all of them are listed at once, and each comes with the nearest name.
"""

import difflib
import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.config.lazy import LazyAttr, LazyObject
from mmengine.registry import Registry, root
from mmengine.utils import get_object_from_string

from mmvg.engine.config_sources import ConfigSources
from mmvg.engine.signatures import Arguments, arguments_of

#: Read by mmengine's Runner from the config, beside the arguments of its constructor.
RUNNER_EXTRAS = {
    'activation_checkpointing',
    'compile',
    'custom_imports',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'sync_bn',
}

#: Entries of ``paramwise_cfg`` that mmengine's DefaultOptimWrapperConstructor reads.
PARAMWISE_KEYS = {
    'bias_decay_mult',
    'bias_lr_mult',
    'bypass_duplicate',
    'custom_keys',
    'dcn_offset_lr_mult',
    'dwconv_decay_mult',
    'flat_decay_mult',
    'norm_decay_mult',
}

_LOADER = r'(train|val|test)_dataloader'
_DATASET = rf'{_LOADER}\.dataset(\.dataset|\.datasets\.\d+)*'
_EVALUATOR = r'(val|test)_evaluator(\.metrics)?(\.\d+)?'


@dataclass(frozen=True)
class _Place:
    """What mmengine does with the dicts at some paths.

    Args:
        path: Regular expression for the whole dotted path.
        registry: Name of the mmengine registry that builds the dict.
        supplied: Arguments that the builder adds; all other required ones must be in the config. None: unknown.
        popped: Keys that are read before the object is built.
    """

    path: str
    registry: str
    supplied: tuple[str, ...] | None = ()
    popped: tuple[str, ...] = ()


PLACES = [
    _Place(r'model', 'MODELS'),
    _Place(r'(model\.)?data_preprocessor', 'MODELS'),
    _Place(_DATASET, 'DATASETS'),
    _Place(rf'{_LOADER}\.sampler', 'DATA_SAMPLERS', ('dataset', 'seed')),
    _Place(rf'{_LOADER}\.batch_sampler', 'DATA_SAMPLERS', ('sampler', 'batch_size')),
    _Place(rf'{_LOADER}\.(collate_fn|worker_init_fn)', 'FUNCTIONS', None),
    _Place(r'.*pipeline\.\d+(\.transforms(\.\d+)+)?', 'TRANSFORMS'),
    _Place(_EVALUATOR, 'METRICS'),
    _Place(r'optim_wrapper', 'OPTIM_WRAPPERS', ('optimizer',), ('constructor', 'optimizer', 'paramwise_cfg')),
    _Place(r'optim_wrapper(\.\w+)?\.optimizer', 'OPTIMIZERS', ('params',)),
    _Place(
        r'param_scheduler(\.\w+)*',
        'PARAM_SCHEDULERS',
        ('optimizer', 'epoch_length', 'end'),
        ('convert_to_iter_based', 'epoch_length'),
    ),
    _Place(r'(default_hooks\.\w+|custom_hooks\.\d+)', 'HOOKS', (), ('priority',)),
    _Place(r'visualizer', 'VISUALIZERS', ('name', 'save_dir')),
    _Place(r'visualizer\.vis_backends(\.\d+)?', 'VISBACKENDS', ('save_dir',), ('name',)),
    _Place(r'(train|val|test)_cfg', 'LOOPS', ('runner', 'dataloader', 'evaluator')),
    _Place(r'log_processor', 'LOG_PROCESSORS'),
    _Place(r'model_wrapper_cfg', 'MODEL_WRAPPERS', None),
    _Place(r'.*init_cfg(\.\d+)?(\.override(\.\d+)?)?', 'WEIGHT_INITIALIZERS', None, ('name', 'override')),
    _Place(r'model\..*norm_cfg', 'MODELS', None, ('requires_grad',)),
    _Place(r'model\..*', 'MODELS', None),
]


class ConfigError(ValueError):
    """A config with mistakes in it.

    Args:
        problems: One line for each, beginning with the dotted path.
        source: The config file.
    """

    def __init__(self, problems: list[str], source: str) -> None:
        self.problems = problems
        count = '1 problem' if len(problems) == 1 else f'{len(problems)} problems'
        super().__init__(f'{source}: {count}\n' + '\n'.join(f'  {problem}' for problem in problems))


def check_config(cfg: Config, options: dict[str, Any] | None = None) -> None:
    """Raise one :class:`ConfigError` that lists every mistake in ``cfg``; nothing is built.

    Reported are top-level keys that neither the Runner nor the config files read, arguments that a ``type`` does not
    take, required ones that are missing where nobody else supplies them, and types that cannot be found.

    Args:
        cfg: A config as ``Config.fromfile`` gives it, with ``options`` already merged.
        options: What came from ``--cfg-options``, dotted key to value. A variable that config files compute with
            cannot be changed there: it has been read by then.
    """
    problems = _Checker(cfg, options or {}).problems()
    if problems:
        raise ConfigError(problems, cfg.filename or 'config')


def runner_config(cfg: Config) -> Config:
    """Copy what the Runner reads; helper variables and imported names stay behind, so that a dump loads again."""
    keys = runner_keys()
    kept = {key: value for key, value in cfg._cfg_dict._to_lazy_dict().items() if key in keys}
    return Config(ConfigDict(kept), filename=cfg.filename)


def runner_keys() -> set[str]:
    """Top-level keys that have a meaning for mmengine's Runner."""
    from mmengine.runner import Runner

    return arguments_of(Runner).names - {'cfg'} | RUNNER_EXTRAS


class _Checker:
    def __init__(self, cfg: Config, options: dict[str, Any]) -> None:
        self.top = dict(dict.items(cfg._cfg_dict))
        self.imported = getattr(cfg, '_imported_names', set())
        self.options = options
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
        read = self.sources.names_read()
        for key, value in self.top.items():
            if key in keys or key in self.imported or isinstance(value, (LazyObject, LazyAttr)):
                continue
            if key not in read:
                yield (
                    f'{key}{self.sources.where(key)}: the runner has no such setting and no config file reads it'
                    + suggest(key, keys)
                )
        for option in self.options:
            key = option.split('.')[0]
            if key in read and key not in keys:
                yield (
                    f'{option}: --cfg-options come too late for {key!r}, which the config file has read already; '
                    'set the places where it is used, or change the file'
                )

    def check_untyped(self, key: str, value: Any) -> Iterator[str]:
        """Dicts that the Runner reads without a ``type``."""
        if not isinstance(value, dict):
            return
        accepted = _untyped(key, value)
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
            elif (place := _place(path)) and place.supplied is not None and _needs_type(path, value):
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
        place = _place(path)
        reports = [list(_compare(path, value, target, place)) for target in targets]
        yield from min(reports, key=len)

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
        place = _place(path.removesuffix('.type'))
        registries = _registries(place.registry if place else None)
        hits = list(_from_registries(name, registries[:1], scope)) or list(_from_registries(name, registries, scope))
        if hits:
            return hits, []
        return _found(None, path, name, _registered(registries[0]) or _registered(*registries))


def suggest(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` with up to three near names, or an empty string."""
    near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    return f'; did you mean {" or ".join(map(repr, near))}?' if near else ''


def _place(path: str) -> _Place | None:
    return next((place for place in PLACES if re.fullmatch(place.path, path)), None)


def _needs_type(path: str, value: dict) -> bool:
    """Whether a dict without ``type`` is a mistake: not where the Runner has a default, or several named parts."""
    head = path.split('.')[0]
    if head in ('train_cfg', 'val_cfg', 'test_cfg', 'log_processor', 'optim_wrapper') and '.' not in path:
        return False
    if head in ('val_evaluator', 'test_evaluator'):
        return 'metrics' not in value
    return not (head == 'param_scheduler' and all(isinstance(entry, (dict, list)) for entry in value.values()))


def _untyped(key: str, value: dict) -> Arguments | None:
    """What the Runner accepts in a top-level dict without ``type``; None if it may hold anything."""
    from mmengine.optim import OptimWrapper
    from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, LogProcessor, Runner, TestLoop, ValLoop
    from torch.utils.data import DataLoader

    if 'type' in value:
        return None
    if re.fullmatch(_LOADER, key):
        extra = {'num_batch_per_epoch', 'disable_subprocess_warning'}
        return Arguments(arguments_of(DataLoader).names | extra, {'dataset'})
    if key == 'optim_wrapper' and 'optimizer' in value:
        return Arguments(arguments_of(OptimWrapper).names | {'constructor', 'paramwise_cfg'}, {'optimizer'})
    if key == 'train_cfg':
        loop = arguments_of(EpochBasedTrainLoop if value.get('by_epoch') else IterBasedTrainLoop)
        return _without(loop, {'by_epoch'})
    known = {
        'val_cfg': lambda: _without(arguments_of(ValLoop)),
        'test_cfg': lambda: _without(arguments_of(TestLoop)),
        'log_processor': lambda: arguments_of(LogProcessor),
        'randomness': lambda: _without(arguments_of(Runner.set_randomness), drop={'self'}),
        'auto_scale_lr': lambda: Arguments({'base_batch_size', 'enable'}),
        'env_cfg': lambda: Arguments({'cudnn_benchmark', 'dist_cfg', 'mp_cfg', 'resource_limit'}),
        'custom_imports': lambda: Arguments({'imports', 'allow_failed_imports'}),
    }
    return known[key]() if key in known else None


def _without(
    arguments: Arguments,
    extra: Iterable[str] = (),
    drop: Iterable[str] = ('runner', 'dataloader', 'evaluator'),
) -> Arguments:
    return Arguments((arguments.names | set(extra)) - set(drop), (arguments.required | set(extra)) - set(drop))


def _compare(path: str, value: dict, target: Callable, place: _Place | None) -> Iterator[str]:
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
