"""Where in a config which arguments come from: what mmengine adds to a dict or takes out, and what it reads untyped."""

import functools
import re
from typing import Any

from mmvg.config.signatures import arguments_of

_LOADER = r'(train|val|test)_dataloader'
_EVALUATOR = r'(val|test)_evaluator(\.metrics)?(\.\d+)?'

#: Paths of dicts that mmengine builds, with the arguments that it adds or takes out. All others must be in the config.
BUILT = {
    r'model|(model\.)?data_preprocessor|log_processor|.*pipeline\.\d+(\.transforms(\.\d+)+)?': '',
    rf'{_LOADER}(\.dataset(\.dataset|\.datasets\.\d+)*)?|{_EVALUATOR}': '',
    rf'{_LOADER}\.sampler': 'dataset seed',
    rf'{_LOADER}\.batch_sampler': 'sampler batch_size',
    r'optim_wrapper': 'optimizer constructor paramwise_cfg',
    r'optim_wrapper(\.\w+)?\.optimizer': 'params',
    r'param_scheduler(\.\w+)*': 'optimizer epoch_length end convert_to_iter_based',
    r'default_hooks\.\w+|custom_hooks\.\d+': 'priority',
    r'visualizer(\.vis_backends(\.\d+)?)?': 'name save_dir',
    r'(train|val|test)_cfg': 'runner dataloader evaluator by_epoch',
}

#: The same for dicts to which their builder may add any argument.
BUILT_WITH_MORE = {r'.*init_cfg(\.\d+)?(\.override(\.\d+)?)?': 'name override', r'model\..*norm_cfg': 'requires_grad'}

#: Dicts that mmengine reads key by key.
READ = {
    'auto_scale_lr': 'base_batch_size enable',
    'compile': 'backend disable dynamic fullgraph mode options',
    'custom_imports': 'imports allow_failed_imports',
    'env_cfg': 'cudnn_benchmark dist_cfg mp_cfg resource_limit',
    'env_cfg.mp_cfg': 'mp_start_method opencv_num_threads',
    'model.lora': 'alpha rank targets trained',
    'modes': 'adapters amp channels_last checkpoint_activations fresh',
    'optim_wrapper.paramwise_cfg': 'bias_decay_mult bias_lr_mult bypass_duplicate custom_keys dcn_offset_lr_mult '
    'dwconv_decay_mult flat_decay_mult norm_decay_mult',
}


@functools.cache
def runner_keys() -> frozenset[str]:
    """Collect the top-level keys that have a meaning for mmengine's Runner, or for ours (``modes``)."""
    from mmengine.runner import Runner

    beside = 'activation_checkpointing compile custom_imports efficient_conv_bn_eval find_unused_parameters modes'
    return frozenset({*arguments_of(Runner), *beside.split(), 'model_wrapper_cfg', 'sync_bn'} - {'cfg'})


def added_arguments(path: str) -> tuple[set[str], bool]:
    """Find what mmengine adds to the dict at ``path`` or takes out of it, and whether all else must be there."""
    for table in (BUILT, BUILT_WITH_MORE):
        for pattern, names in table.items():
            if re.fullmatch(pattern, path):
                return set(names.split()), table is BUILT
    return set(), False


def needs_type(path: str, value: dict) -> bool:
    """Whether a dict without ``type`` is a mistake: it is none if it holds several parts by name."""
    if re.fullmatch(rf'optim_wrapper|param_scheduler.*|{_EVALUATOR}', path):
        return not any(isinstance(entry, dict) or key == 'metrics' for key, entry in value.items())
    return added_arguments(path)[1]


def untyped_arguments(path: str, value: dict[str, Any]) -> dict[str, bool] | None:
    """Find what mmengine accepts in a dict without ``type``; None if it needs one, or may hold anything."""
    from mmengine import optim, runner
    from torch.utils.data import DataLoader

    if path in READ:
        return dict.fromkeys(READ[path].split(), False)
    if re.fullmatch(_LOADER, path):
        return arguments_of(DataLoader) | {'num_batch_per_epoch': False, 'disable_subprocess_warning': False}
    defaults = {
        'train_cfg': runner.EpochBasedTrainLoop if value.get('by_epoch') else runner.IterBasedTrainLoop,
        'val_cfg': runner.ValLoop,
        'test_cfg': runner.TestLoop,
        'log_processor': runner.LogProcessor,
        'randomness': functools.partial(runner.Runner.set_randomness, None),
    }
    if 'optimizer' in value:  # else there are several, by name
        defaults['optim_wrapper'] = optim.OptimWrapper
    return arguments_of(defaults[path]) if path in defaults else None
