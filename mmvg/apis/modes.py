"""Ways to train and to test that a flag turns on: each edits a checked config, and says what it cannot work with.

What needs torch is imported by the functions, so that a tool answers ``--help`` at once.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mmengine.config import Config


@dataclass
class Modes:
    """What ``mmvg train`` was asked for besides its config; each is off by default. See docs/training.md.

    Args:
        amp: ``'bf16'`` or ``'fp16'``: see :func:`use_amp`.
        compile: A backend of ``torch.compile``, such as ``'inductor'``: see :func:`use_compile`.
        channels_last: See :func:`use_channels_last`.
        fused: See :func:`use_fused_optimizer`.
        checkpoint_activations: See :func:`use_activation_checkpointing`.
        accumulate: Batches of one update: see :func:`use_accumulation`.
        ema: Weight of the newest weights in the average: see :func:`use_ema`.
        auto_scale_lr: See :func:`use_scaled_lr`.
        expressions_per_image: See :func:`use_shared_images`.
        freeze: Parts that are not trained: see :func:`use_frozen`.
        fresh: Parts that ``load_from`` does not fill: see :func:`use_fresh`.
        lora: Rank of the adapters: see :func:`use_lora`.
        lora_targets: Layers that get adapters.
        lora_trained: Parts that are trained whole besides.
        fsdp: See :func:`use_sharding`.

    Example:
        >>> from mmvg.apis import load_config
        >>> cfg = load_config('instancevg/tiny')
        >>> Modes(accumulate=2, channels_last=True).apply(cfg)
        >>> cfg.optim_wrapper.accumulative_counts, cfg.modes
        (2, {'channels_last': True})
    """

    amp: str | None = None
    compile: str | None = None
    channels_last: bool = False
    fused: bool = False
    checkpoint_activations: bool = False
    accumulate: int | None = None
    ema: float | None = None
    auto_scale_lr: bool = False
    expressions_per_image: int | None = None
    freeze: Sequence[str] | None = None
    fresh: Sequence[str] | None = None
    lora: int | None = None
    lora_targets: Sequence[str] | None = None
    lora_trained: Sequence[str] | None = None
    fsdp: bool = False

    def apply(self, cfg: Config) -> None:
        """Turn them on in ``cfg``, which is changed in place.

        Raises:
            ConfigError: If one of them cannot work with this config, this machine, or another one.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _USE and value is not None and value is not False and value != []:
                _USE[field.name](cfg, *(() if value is True else (value,)))
        if self.lora is not None:
            use_lora(cfg, self.lora, self.lora_targets or (), self.lora_trained or ())
        elif self.lora_targets or self.lora_trained:
            raise _mistake(cfg, '--lora-targets and --lora-trained go with --lora RANK')
        if self.fsdp:
            use_sharding(cfg)


def use_amp(cfg: Config, dtype: str = 'bf16') -> None:
    """Turn on automatic mixed precision: the forward pass in 16 bits, weights and their update in 32.

    Args:
        cfg: Changed in place.
        dtype: ``'bf16'``, on a GPU or a CPU with instructions for it, or ``'fp16'``, on a GPU, with a scaled loss.

    Raises:
        ConfigError: If the device cannot compute so, or another kind of optimizer wrapper is in the way.
    """
    _check_precision(cfg, dtype)
    wrapper = _optim_wrapper(cfg, '--amp')
    kind = _type_name(wrapper) or 'OptimWrapper'
    if kind not in ('OptimWrapper', 'AmpOptimWrapper', 'BF16OptimWrapper'):
        raise _mistake(cfg, f'--amp: optim_wrapper.type must be OptimWrapper, not {kind}')
    if dtype == 'bf16':
        wrapper.type = 'mmvg.BF16OptimWrapper'
        wrapper.pop('loss_scale', None)
        wrapper.pop('dtype', None)
    else:
        wrapper.type = 'AmpOptimWrapper'
        wrapper.update(dict(loss_scale=wrapper.get('loss_scale', 'dynamic'), dtype='float16'))


def use_amp_in_tests(cfg: Config, dtype: str = 'bf16') -> None:
    """Answer in 16 bits: the forward pass of a test runs in autocast; weights stay in 32.

    Args:
        cfg: Changed in place.
        dtype: As for :func:`use_amp`.

    Raises:
        ConfigError: If the device cannot compute so.
    """
    _check_precision(cfg, dtype)
    _mode(cfg, 'amp', dtype)


def use_compile(cfg: Config, backend: str = 'inductor') -> None:
    """Have torch compile the blocks of the encoders and the necks; the rest runs as before.

    Args:
        cfg: Changed in place.
        backend: ``'inductor'``, which needs a C++ compiler or a GPU with Triton, or another one that torch lists.

    Raises:
        ConfigError: If torch has no such backend.
    """
    import torch

    known = sorted({*torch.compiler.list_backends(()), 'inductor'})
    if backend not in known:
        raise _mistake(cfg, f'--compile: torch has no backend {backend!r}, but {", ".join(known)}')
    cfg.compile = dict(backend=backend)


def use_channels_last(cfg: Config) -> None:
    """Keep convolution kernels and maps with the channels innermost (NHWC), as tensor cores and oneDNN want them."""
    _mode(cfg, 'channels_last', True)


def use_fused_optimizer(cfg: Config) -> None:
    """Have the optimizer update all parameters in one kernel.

    ``MuonAdamW`` does so for what is AdamW's, always.

    Raises:
        ConfigError: If there is no fused form of the optimizer.
    """
    import inspect

    from mmvg.registry import OPTIMIZERS

    optimizer = _optim_wrapper(cfg, '--fused').optimizer
    name = _type_name(optimizer)
    if name == 'MuonAdamW':
        return
    kind = OPTIMIZERS.get(optimizer.type) if isinstance(optimizer.type, str) else optimizer.type
    kind = kind.build() if hasattr(kind, 'build') else kind  # a class that the config imports lazily
    if kind is None or 'fused' not in inspect.signature(kind).parameters:
        raise _mistake(cfg, f'--fused: {name} has no fused form; Adam, AdamW, SGD and Adagrad of torch.optim have one')
    optimizer.fused = True
    optimizer.pop('foreach', None)


def use_activation_checkpointing(cfg: Config) -> None:
    """Keep only the inputs of each block of the encoders for the backward pass, and compute the rest again there."""
    _mode(cfg, 'checkpoint_activations', True)


def use_accumulation(cfg: Config, batches: int) -> None:
    """Update the weights after ``batches`` batches, by the mean of their gradients.

    An iteration is one batch still: the length of a run, its intervals and schedules are as they were, and the run has
    fewer updates.

    Raises:
        ConfigError: If the number is below 1.
    """
    if batches < 1:
        raise _mistake(cfg, f'--accumulate must be 1 batch or more, not {batches}')
    _optim_wrapper(cfg, '--accumulate').accumulative_counts = batches


def use_ema(cfg: Config, momentum: float = 0.0002) -> None:
    """Keep an average of the weights, which is what is validated, and what a checkpoint gives to tests and answers.

    Args:
        cfg: Changed in place.
        momentum: Share m of the newest weights: average = (1 - m) average + m weights, after every iteration.

    Raises:
        ConfigError: If the share is not between 0 and 1, or there is an average already.
    """
    if not 0 < momentum < 1:
        raise _mistake(cfg, f'--ema must lie between 0 and 1, not {momentum}')
    if any(_type_name(hook) == 'EMAHook' for hook in cfg.get('custom_hooks') or []):
        raise _mistake(cfg, '--ema: custom_hooks has an EMAHook already; set its momentum there')
    hook = dict(type='EMAHook', momentum=momentum, update_buffers=True)
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), hook]


def use_scaled_lr(cfg: Config) -> None:
    """Multiply the learning rates by the samples of an update over those that the config was made for.

    Raises:
        ConfigError: If the config does not say how many it was made for.
    """
    scale = cfg.get('auto_scale_lr') or {}
    if not scale.get('base_batch_size'):
        raise _mistake(
            cfg,
            '--auto-scale-lr: the config does not say for how many samples per update its learning rates are; set '
            'auto_scale_lr.base_batch_size',
        )
    cfg.auto_scale_lr = dict(scale, enable=True)


def use_shared_images(cfg: Config, expressions: int) -> None:
    """Let up to ``expressions`` expressions of an image stand in a batch, so that it is read and encoded once for them.

    Raises:
        ConfigError: If the number is below 1, or the samples are not shuffled by MMEngine's ``DefaultSampler``.
    """
    if expressions < 1:
        raise _mistake(cfg, f'--expressions-per-image must be 1 or more, not {expressions}')
    if cfg.get('train_cfg') is None:
        raise _mistake(cfg, 'train_cfg: missing; the model is only asked and scored, see mmvg test')
    loader = cfg.train_dataloader
    sampler = loader.get('sampler') or {}
    if _type_name(sampler) != 'DefaultSampler' or not sampler.get('shuffle', True):
        raise _mistake(cfg, '--expressions-per-image: train_dataloader.sampler must be a DefaultSampler that shuffles')
    drop_last = (loader.get('batch_sampler') or {}).get('drop_last', loader.pop('drop_last', False))
    loader.batch_sampler = dict(
        type='mmvg.SharedImageBatchSampler', expressions_per_image=expressions, drop_last=drop_last
    )


def use_frozen(cfg: Config, parts: Sequence[str]) -> None:
    """Do not train parts of the model; they stay in evaluation mode.

    Args:
        cfg: Changed in place.
        parts: ``'image'`` or ``'text'``, the tower of the backbone, or names of modules with ``*``; see
            :func:`mmvg.models.layers.freezing.freeze`.
    """
    cfg.model.frozen = [*cfg.model.get('frozen', ()), *parts]


def use_fresh(cfg: Config, parts: Sequence[str]) -> None:
    """Take the weights of ``load_from`` for all parts but these, which start as they are built.

    Args:
        cfg: Changed in place.
        parts: Names of modules and weights of the model, or of the file, with ``*``: ``'head'``.

    Raises:
        ConfigError: If there is no ``load_from``.
    """
    if not cfg.get('load_from'):
        raise _mistake(cfg, '--fresh: nothing is loaded; name the weights, --cfg-options load_from=FILE')
    _mode(cfg, 'fresh', list(parts))


def use_lora(cfg: Config, rank: int, targets: Sequence[str] = (), trained: Sequence[str] = ()) -> None:
    """Train low-rank changes of linear layers, and nothing else.

    Args:
        cfg: Changed in place.
        rank: Of each change.
        targets: Names of layers, or of modules that hold them; by default those in the blocks of the encoders.
        trained: Parts that are trained whole besides, such as ``'head'``.

    Raises:
        ConfigError: If the rank is below 1.
    """
    if rank < 1:
        raise _mistake(cfg, f'--lora must be a rank of 1 or more, not {rank}')
    _optim_wrapper(cfg, '--lora')
    cfg.model.lora = dict(rank=rank, targets=list(targets), trained=list(trained))


def use_adapters(cfg: Config, path: str) -> None:
    """Add the adapters of a file to the weights that are tested.

    Args:
        cfg: Changed in place.
        path: ``adapters.safetensors`` of a training with :func:`use_lora`.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'--adapters {path}: no such file; a training with --lora writes it into its work dir')
    _mode(cfg, 'adapters', path)


def use_sharding(cfg: Config) -> None:
    """Keep weights, gradients and optimizer in parts, one in each process (FSDP2 of torch), instead of copies.

    Args:
        cfg: With all other modes, changed in place.

    Raises:
        ConfigError: If there is one process, or a mode that needs whole weights.
    """
    wrapper = _optim_wrapper(cfg, '--fsdp')
    problems = []
    if cfg.get('launcher', 'none') == 'none':
        problems.append('--fsdp: needs several processes, tools/dist_train.sh CONFIG N --fsdp')
    if any(_type_name(hook) == 'EMAHook' for hook in cfg.get('custom_hooks') or []):
        problems.append('--fsdp: an average of the weights (--ema, EMAHook) needs all of them in each process')
    if (cfg.get('modes') or {}).get('channels_last'):
        problems.append('--fsdp: torch divides no weights whose channels are innermost (--channels-last)')
    if _type_name(wrapper) in ('AmpOptimWrapper', 'FiniteAmpOptimWrapper') and wrapper.get('dtype') != 'bfloat16':
        problems.append(
            '--fsdp: the scaled loss of float16 is not taken (optim_wrapper.type=AmpOptimWrapper); --amp bf16 works'
        )
    name = _type_name(wrapper.optimizer)
    if wrapper.optimizer.get('fused') and name not in ('Adam', 'AdamW'):
        problems.append(f'--fsdp: torch divides fused steps of Adam and AdamW, not of {name}: leave out --fused')
    if problems:
        raise _mistake(cfg, *problems)
    cfg.model_wrapper_cfg = dict(type='mmvg.FullyShardedModel')


_USE: dict[str, Callable[..., None]] = dict(
    amp=use_amp,
    compile=use_compile,
    channels_last=use_channels_last,
    fused=use_fused_optimizer,
    checkpoint_activations=use_activation_checkpointing,
    accumulate=use_accumulation,
    ema=use_ema,
    auto_scale_lr=use_scaled_lr,
    expressions_per_image=use_shared_images,
    freeze=use_frozen,
    fresh=use_fresh,
)


def _mode(cfg: Config, name: str, value: Any) -> None:
    cfg.modes = {**(cfg.get('modes') or {}), name: value}


def _optim_wrapper(cfg: Config, flag: str) -> dict:
    """The wrapper of the one optimizer of a config."""
    if cfg.get('train_cfg') is None:
        raise _mistake(cfg, 'train_cfg: missing; the model is only asked and scored, see mmvg test')
    if 'optimizer' not in cfg.optim_wrapper:
        raise _mistake(cfg, f'{flag}: optim_wrapper must have one optimizer')
    return cfg.optim_wrapper


def _check_precision(cfg: Config, dtype: str) -> None:
    from mmvg.checks import check_choice

    check_choice('--amp', dtype, ('bf16', 'fp16'))
    if missing := _missing_precision(dtype):
        raise _mistake(cfg, f'--amp {dtype}: {missing}')


def _missing_precision(dtype: str) -> str | None:
    """Say what this machine lacks to compute in a precision, or return None."""
    import torch

    if torch.cuda.is_available():
        lacks = dtype == 'bf16' and not torch.cuda.is_bf16_supported(including_emulation=False)
        return 'this GPU has no instructions for bfloat16; --amp fp16 works on it' if lacks else None
    if dtype == 'fp16':
        return 'float16 needs a CUDA device, and there is none; --amp bf16 works on a CPU'
    flags = Path('/proc/cpuinfo')
    known = flags.read_text() if flags.is_file() else ''
    if known and not re.search(r'\b(avx512_bf16|avx_ne_convert|amx_bf16|bf16)\b', known):
        return 'this processor has no instructions for bfloat16, and emulating them is slower than float32'
    return None


def _mistake(cfg: Config, *problems: str) -> Exception:
    from mmvg.config import ConfigError

    return ConfigError(list(problems), cfg.filename or 'config')


def _type_name(cfg: dict) -> str:
    """Name of the class that ``type`` means, be it a class, a registered name or a dotted path."""
    kind = (cfg or {}).get('type', '')
    return kind.split('.')[-1] if isinstance(kind, str) else kind.__name__
