"""Extend mmengine's Runner: strict weight loading, runs that are hard to kill, and processes without a GPU."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import broadcast, is_distributed, is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.optim import AmpOptimWrapper, OptimWrapper, OptimWrapperDict
from mmengine.runner import BaseLoop, EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from mmvg.engine.accumulation import wrappers_of
from mmvg.engine.bare_model import bare_model
from mmvg.engine.errors import LOST_PROCESS, RunError, explain_loss
from mmvg.engine.hooks import (
    AdapterHook,
    AverageBuffersHook,
    CarriedConfigHook,
    FiniteStateHook,
    HeartbeatHook,
    ResumeHook,
    SafeCheckpointHook,
    StopHook,
)
from mmvg.engine.hooks.adapter_hook import ADAPTERS
from mmvg.engine.loops import ResumableEpochLoop, ResumableIterLoop
from mmvg.engine.modes import apply_modes, compile_parts
from mmvg.engine.optimizers.finite_optim_wrapper import FiniteAmpOptimWrapper, FiniteOptimWrapper
from mmvg.engine.processes import die_with_parent, end_workers, guard_workers
from mmvg.engine.sharding import FullyShardedModel, ShardedCheckpointHook
from mmvg.engine.work_dir_lock import work_dir_lock
from mmvg.registry import MODEL_WRAPPERS
from mmvg.weights.adapters import add_adapters, is_adapter
from mmvg.weights.checkpoint import find_state_dict, load_checkpoint_file, load_except
from mmvg.weights.latest import NOTE, latest_checkpoint
from mmvg.whole_files import remove_unfinished, whole_file

#: Beginnings of mmengine's messages without information: one line per parameter and rule, one for every registry that
#: mmvg rightly leaves to mmengine, and that gradients are lost which ResumeHook has saved.
NOISE = (
    'paramwise_options -- ',
    'Failed to search registry with scope "mmvg" in the ',
    'Resumed iteration number is not divisible by ',
)

#: What the Runner takes in the place of a class of mmengine that a config names; the settings are the same.
IN_PLACE = {
    IterBasedTrainLoop: ResumableIterLoop,
    EpochBasedTrainLoop: ResumableEpochLoop,
    CheckpointHook: SafeCheckpointHook,
    OptimWrapper: FiniteOptimWrapper,
    AmpOptimWrapper: FiniteAmpOptimWrapper,
}

#: Hooks of every run, unless a config sets the name under ``default_hooks`` to something else, or to None.
RUN_HOOKS = dict(
    sharded=ShardedCheckpointHook,
    resume=ResumeHook,
    buffers=AverageBuffersHook,
    finite=FiniteStateHook,
    stop=StopHook,
    heartbeat=HeartbeatHook,
    adapters=AdapterHook,
)


class GroundingRunner(Runner):
    """The Runner that ``tools/train.py`` and ``tools/test.py`` use; its config keys are those of mmengine's.

    - Checkpoints must fit the model key by key; mmengine only prints what does not.
    - Checkpoints carry their config as data, and what the model needs to read text.
    - Learning rates are logged as one line per kind of parameter group; mmengine writes several per parameter.
    - Workers hand over tensors by file name: a sample has many small ones, and a file descriptor for each costs more
      than making the sample (``benchmarks/data_pipeline.py``).
    - To resume takes the latest whole checkpoint of the work dir, which may have been moved; mmengine takes the path
      that was noted, and calls a start from scratch a resumed run.
    - Fewer samples than a batch are an error; mmengine saves an untrained model.
    - A run goes on bit for bit, survives what may happen to it, and says why it ends (:data:`IN_PLACE`,
      :data:`RUN_HOOKS`, docs/running.md).
    - With a launcher but without CUDA the processes talk through gloo; mmengine insists on a CUDA device.

    Example:
        >>> from mmvg.config import read_config
        >>> cfg = read_config('configs/lavt/tiny.py')
        >>> cfg.work_dir = 'work_dirs/lavt_tiny'
        >>> runner = GroundingRunner.from_cfg(cfg)
        >>> type(runner.model).__name__, runner.max_iters
        ('Grounder', 4)
    """

    def setup_env(self, env_cfg: dict) -> None:
        """Start gloo where there is no GPU, and share tensors between workers by file name."""
        if self.distributed and not is_distributed() and not torch.cuda.is_available():
            _init_gloo(self._launcher)
        if self.distributed:
            die_with_parent(signal.SIGTERM)  # of torchrun or srun
        torch.multiprocessing.set_sharing_strategy('file_system')
        super().setup_env(env_cfg)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Change how the model runs, and wrap it for several processes, without device ids where there is no GPU."""
        if not is_model_wrapper(model):
            model = apply_modes(model.to(get_device()), self.cfg.get('modes') or {}, self.logger.info)
        if self.distributed and self._is_sharded(model_wrapper_cfg):
            self._init_weights_of(model)  # before they are divided
        elif self.distributed and not torch.cuda.is_available():
            defaults = dict(
                type='MMDistributedDataParallel',
                broadcast_buffers=False,
                find_unused_parameters=self.cfg.get('find_unused_parameters', False),
            )
            model_wrapper_cfg = {**(model_wrapper_cfg or defaults), 'device_ids': None}
        return super().wrap_model(model_wrapper_cfg, model)

    @staticmethod
    def _is_sharded(model_wrapper_cfg: dict | None) -> bool:
        kind = (model_wrapper_cfg or {}).get('type')
        kind = MODEL_WRAPPERS.get(kind) if isinstance(kind, str) else kind
        return kind is FullyShardedModel

    def _init_model_weights(self) -> None:
        if not isinstance(self.model, FullyShardedModel):
            super()._init_model_weights()

    @staticmethod
    def _init_weights_of(model: nn.Module) -> None:
        if hasattr(model, 'init_weights'):
            model.init_weights()
        for value in model.state_dict().values():
            broadcast(value)

    def build_logger(self, log_level: int | str = 'INFO', log_file: str | None = None) -> MMLogger:
        """Build mmengine's logger and filter out messages that begin as one of :data:`NOISE`."""
        logger = super().build_logger(log_level, log_file)
        logger.addFilter(lambda record: not str(record.msg).startswith(NOISE))
        return logger

    def register_default_hooks(self, hooks: dict[str, Hook | dict] | None = None) -> None:
        """Register the hooks of the config and those of every run."""
        hooks = {**{name: dict(type=hook) for name, hook in RUN_HOOKS.items()}, **(hooks or {})}
        hooks = {name: hook for name, hook in hooks.items() if hook is not None or name not in RUN_HOOKS}
        super().register_default_hooks({name: _in_place(hook) for name, hook in hooks.items()})

    def build_optim_wrapper(self, optim_wrapper: OptimWrapper | Optimizer | dict) -> OptimWrapper:
        """Build the optimizer and log the size of each kind of parameter group."""
        if isinstance(optim_wrapper, dict) and 'optimizer' in optim_wrapper:
            optim_wrapper = _in_place({'type': OptimWrapper, **optim_wrapper})
        built = super().build_optim_wrapper(optim_wrapper)
        groups = Counter()
        for group in [] if isinstance(built, OptimWrapperDict) else built.param_groups:
            size = sum(parameter.numel() for parameter in group['params'])
            groups[group['lr'], group.get('weight_decay', 0)] += size
        for (lr, weight_decay), size in groups.items():
            self.logger.info(f'{size:,} parameters with learning rate {lr:g} and weight decay {weight_decay:g}')
        return built

    def scale_lr(self, optim_wrapper: OptimWrapper, auto_scale_lr: dict | None = None) -> None:
        """Scale the learning rates by the samples of an update, of all processes and of all its batches.

        mmengine leaves out the batches whose gradients are collected.

        Args:
            optim_wrapper: With one optimizer or several.
            auto_scale_lr: ``base_batch_size``, which the rates are made for, and whether to ``enable`` it.
        """
        if not (auto_scale_lr or {}).get('enable'):
            return
        for wrapper in wrappers_of(optim_wrapper):
            batches = wrapper._accumulative_counts
            samples = self.world_size * self.train_dataloader.batch_sampler.batch_size * batches
            ratio = samples / auto_scale_lr['base_batch_size']
            for group in wrapper.optimizer.param_groups:
                group['lr'] *= ratio
            self.logger.info(
                f'auto_scale_lr: an update sees {samples} samples, the learning rates are made for '
                f'{auto_scale_lr["base_batch_size"]}: they are multiplied by {ratio:g}'
            )

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict, seed: int | None = None, diff_rank_seed: bool = False
    ) -> DataLoader:
        """Build a loader whose workers end with this process, and say where memory is full."""
        return guard_workers(Runner.build_dataloader(dataloader, seed, diff_rank_seed))

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the loop of training, and check that its data give a batch.

        Raises:
            ValueError: If there are fewer samples than one batch takes and the rest is dropped.
        """
        if isinstance(loop, dict) and 'by_epoch' in loop and 'type' not in loop:
            loop = {**loop, 'type': EpochBasedTrainLoop if loop['by_epoch'] else IterBasedTrainLoop}
            loop.pop('by_epoch')
        built = super().build_train_loop(_in_place(loop))
        loader = built.dataloader
        if len(loader) == 0 and not loader.batch_sampler.is_infinite:
            raise ValueError(
                f'train_dataloader: {len(loader.dataset)} samples are fewer than the batch_size of '
                f'{loader.batch_sampler.batch_size}, and drop_last leaves none: set train_dataloader.batch_size lower'
            )
        return built

    def build_val_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the loop of validation, and check that the score that chooses the best checkpoint will be there.

        Raises:
            ValueError: If that score needs masks, and the data have boxes only.
        """
        built = super().build_val_loop(loop)
        if not getattr(built.dataloader.dataset, 'metainfo', {}).get('boxes_only'):
            return built
        without = [metric.prefix for metric in built.evaluator.metrics if getattr(metric, 'needs_masks', False)]
        for hook in self.hooks:
            for name in (getattr(hook, 'key_indicators', None) or ()) if getattr(hook, 'save_best', None) else ():
                if name.split('/')[0] in without:
                    raise ValueError(
                        f'default_hooks.checkpoint.save_best={name!r} needs masks, but the validation data have boxes '
                        "only: choose by a score of boxes, such as 'grec/F1' or 'rec/P@0.5', or set save_best=None"
                    )
        return built

    def train(self) -> nn.Module:
        """Train, as the only run in the work dir.

        Raises:
            RunError: If another run is there, or this one cannot go on.
            StopRun: At the end of what a signal asks for.
        """
        with work_dir_lock(self.work_dir):
            if is_main_process():
                for pattern in ('*.pth', NOTE, ADAPTERS):  # what a run writes, and not what others do
                    remove_unfinished(self.work_dir, pattern)
            return self._explained(super().train)

    def test(self) -> dict[str, float]:
        """Test, and return the scores."""
        self._maybe_compile('test_step')
        return self._explained(super().test)

    def _maybe_compile(self, target: str) -> None:
        """Compile encoders and necks; mmengine compiles ``target``, which changes with every batch."""
        settings = self.cfg.get('compile')
        if not settings:
            return
        model = bare_model(self.model)
        parts = compile_parts(model, {} if settings is True else settings)
        self.logger.info(
            f'compile: {len(parts)} blocks and necks are compiled at their first call, which takes a while'
        )

    def _explained(self, run: Callable[[], Any]) -> Any:
        """Run, and say in one sentence which process was lost or what cannot be trained, if that is the end of it."""
        try:
            return run()
        except RunError:
            raise
        except Exception as error:
            if reason := explain_loss(error):
                message = f'The run ends at iteration {self._iterations_done()}: {reason}'
                raise RunError(message, LOST_PROCESS) from error
            if str(error).startswith('Expected more than 1 value per channel when training'):
                raise RunError(
                    'A batch of one sample has no statistics for the BatchNorm of this model: give each process two '
                    'or more (train_dataloader.batch_size)',
                    exit_code=2,
                ) from error
            raise
        finally:
            self.call_hook('at_end')
            for loop in (self._train_loop, self._val_loop, self._test_loop):
                if isinstance(loop, BaseLoop):
                    end_workers(loop.dataloader)

    def _iterations_done(self) -> int:
        return self.message_hub.get_info('iter', 0)

    @property
    def has_resumed(self) -> bool:
        """Whether this run goes on from a checkpoint."""
        return self._resume and self._has_loaded

    @property
    def resumed_from(self) -> str | None:
        """The checkpoint that this run goes on from."""
        return self._load_from

    def save_checkpoint(self, out_dir: str, filename: str, *arguments: Any, **settings: Any) -> None:
        """Save a checkpoint, which appears under its name when it is whole; all processes have to call it.

        The stage ``before_saving`` of hooks comes first, in all processes.

        Args:
            out_dir: A local folder.
            filename: Name in it.
            arguments: As in mmengine.
            settings: As in mmengine.

        Raises:
            RunError: If something in it is not finite.
            OSError: If it cannot be written, as on a full disk; an older file of that name is still there.
        """
        self.call_hook('before_saving')
        if is_main_process():
            with whole_file(Path(out_dir) / filename) as unfinished:
                super().save_checkpoint(str(unfinished.parent), unfinished.name, *arguments, **settings)

    def register_hooks(self, default_hooks: dict | None = None, custom_hooks: list | None = None) -> None:
        """Register the hooks of the config, and the one that has checkpoints carry it as data."""
        super().register_hooks(default_hooks, custom_hooks)
        self.register_hook(CarriedConfigHook())

    def load_or_resume(self) -> None:
        """Load what the config says; to resume without a path, find the latest whole checkpoint of the work dir."""
        if self._resume and self._load_from is None and not self._has_loaded:
            latest = latest_checkpoint(self.work_dir, self.logger.warning)
            if latest is None:
                self.logger.warning(
                    f'{self.work_dir}: no checkpoint there to resume from; training starts from scratch'
                )
                self._resume = False
            else:
                self._load_from = str(latest)
        super().load_or_resume()
        if self.has_resumed:  # with the seed of the checkpoint, while the loop was built with that of the config
            self.train_loop.set_seed(self.seed)

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = 'cpu',
        strict: bool = True,
        revise_keys: Sequence[tuple[str, str]] = (),
    ) -> dict:
        """Load weights into the model, of ``load_from`` and of a checkpoint to resume from alike.

        Args:
            filename: A local file.
            map_location: As in ``torch.load``.
            strict: Always taken as true.
            revise_keys: Not used: names are changed by the tools in ``tools/model_converters``, where it is recorded.

        Returns:
            The whole checkpoint.

        Raises:
            FileNotFoundError: If there is no such file.
            CheckpointError: If it cannot be read safely, or does not fit the model.
        """
        checkpoint = load_checkpoint_file(filename, map_location)
        if isinstance(checkpoint.get('meta'), dict):
            checkpoint['meta'].pop('config', None)  # of MMEngine's first version, which it would run when it resumes
        checkpoint['state_dict'] = find_state_dict(checkpoint, filename)
        model = bare_model(self.model)
        if self._resume:
            _check_adapters(model, checkpoint['state_dict'], filename)
        elif adapters := (self.cfg.get('modes') or {}).get('adapters'):
            file = load_checkpoint_file(adapters)
            checkpoint['state_dict'] = add_adapters(
                checkpoint['state_dict'], find_state_dict(file, adapters), file.get('meta') or {}, adapters
            )
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)  # where EMAHook takes its weights out
        begins = not self._resume and isinstance(self._train_loop, BaseLoop)  # a test builds no loop to train
        fresh = (self.cfg.get('modes') or {}).get('fresh', []) if begins else []
        kept = load_except(model, checkpoint['state_dict'], filename, fresh)
        self._has_loaded = True
        self.logger.info(f'Loaded the weights of {filename}' + (f'; {len(kept)} start anew' if fresh else ''))
        return checkpoint


def _check_adapters(model: nn.Module, state: dict, filename: str) -> None:
    """Check that a run with adapters goes on with them, and one without them without.

    Raises:
        RunError: If not.
    """
    there, wanted = (any(map(is_adapter, names)) for names in (state, model.state_dict()))
    if there != wanted:
        raise RunError(
            f'{filename}: the run trained {"adapters" if there else "no adapters"}: go on '
            f'{"with the --lora that it had" if there else "without --lora"}, or begin a new run from its weights '
            '(load_from without --resume)',
            exit_code=2,
        )


def _in_place(cfg: Any) -> Any:
    """Name our class in a dict that names one of mmengine's, by class, name or dotted path."""
    if not isinstance(cfg, dict):
        return cfg
    kind = cfg.get('type')
    for theirs, ours in IN_PLACE.items():
        names = (theirs.__name__, f'{theirs.__module__}.{theirs.__name__}', f'mmengine.{theirs.__name__}')
        if kind is theirs or kind in (*names, f'{theirs.__module__.rsplit(".", 1)[0]}.{theirs.__name__}'):
            return {**cfg, 'type': ours}
    return cfg


def _init_gloo(launcher: str) -> None:
    """Start the process group of torchrun or srun on the CPU.

    Raises:
        ValueError: If the launcher is another one.
    """
    if launcher == 'slurm':
        os.environ.setdefault('MASTER_PORT', '29500')
        os.environ.setdefault('MASTER_ADDR', '127.0.0.1')
        for ours, theirs in dict(RANK='SLURM_PROCID', WORLD_SIZE='SLURM_NTASKS', LOCAL_RANK='SLURM_LOCALID').items():
            os.environ[ours] = os.environ[theirs]
    elif launcher != 'pytorch':
        raise ValueError(f'without a GPU the launcher must be pytorch or slurm, not {launcher!r}')
    torch.distributed.init_process_group('gloo')
