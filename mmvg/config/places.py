"""Where in a config which kind of thing stands: what mmengine builds from a path, and what it adds or takes away."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mmvg.config.signatures import Arguments, arguments_of

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
class Place:
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
    Place(r'model', 'MODELS'),
    Place(r'(model\.)?data_preprocessor', 'MODELS'),
    Place(_DATASET, 'DATASETS'),
    Place(rf'{_LOADER}\.sampler', 'DATA_SAMPLERS', ('dataset', 'seed')),
    Place(rf'{_LOADER}\.batch_sampler', 'DATA_SAMPLERS', ('sampler', 'batch_size')),
    Place(rf'{_LOADER}\.(collate_fn|worker_init_fn)', 'FUNCTIONS', None),
    Place(r'.*pipeline\.\d+(\.transforms(\.\d+)+)?', 'TRANSFORMS'),
    Place(_EVALUATOR, 'METRICS'),
    Place(r'optim_wrapper', 'OPTIM_WRAPPERS', ('optimizer',), ('constructor', 'optimizer', 'paramwise_cfg')),
    Place(r'optim_wrapper(\.\w+)?\.optimizer', 'OPTIMIZERS', ('params',)),
    Place(
        r'param_scheduler(\.\w+)*',
        'PARAM_SCHEDULERS',
        ('optimizer', 'epoch_length', 'end'),
        ('convert_to_iter_based', 'epoch_length'),
    ),
    Place(r'(default_hooks\.\w+|custom_hooks\.\d+)', 'HOOKS', (), ('priority',)),
    Place(r'visualizer', 'VISUALIZERS', ('name', 'save_dir')),
    Place(r'visualizer\.vis_backends(\.\d+)?', 'VISBACKENDS', ('save_dir',), ('name',)),
    Place(r'(train|val|test)_cfg', 'LOOPS', ('runner', 'dataloader', 'evaluator')),
    Place(r'log_processor', 'LOG_PROCESSORS'),
    Place(r'model_wrapper_cfg', 'MODEL_WRAPPERS', None),
    Place(r'.*init_cfg(\.\d+)?(\.override(\.\d+)?)?', 'WEIGHT_INITIALIZERS', None, ('name', 'override')),
    Place(r'model\..*norm_cfg', 'MODELS', None, ('requires_grad',)),
    Place(r'model\..*', 'MODELS', None),
]


def runner_keys() -> set[str]:
    """Top-level keys that have a meaning for mmengine's Runner."""
    from mmengine.runner import Runner

    return arguments_of(Runner).names - {'cfg'} | RUNNER_EXTRAS


def place_of(path: str) -> Place | None:
    """The first place that a dotted path is at, or None."""
    return next((place for place in PLACES if re.fullmatch(place.path, path)), None)


def needs_type(path: str, value: dict) -> bool:
    """Whether a dict without ``type`` is a mistake: not where the Runner has a default, or several named parts."""
    head = path.split('.')[0]
    if head in ('train_cfg', 'val_cfg', 'test_cfg', 'log_processor', 'optim_wrapper') and '.' not in path:
        return False
    if head in ('val_evaluator', 'test_evaluator'):
        return 'metrics' not in value
    return not (head == 'param_scheduler' and all(isinstance(entry, (dict, list)) for entry in value.values()))


def untyped_arguments(key: str, value: dict) -> Arguments | None:
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
