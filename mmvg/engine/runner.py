"""Extend mmengine's Runner: strict weight loading, and several processes on machines without a GPU."""

import os
from collections import Counter
from collections.abc import Callable, Sequence

import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import is_distributed
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import BaseLoop, Runner
from torch import nn
from torch.optim import Optimizer

from mmvg.engine.hooks.carried_config_hook import CarriedConfigHook
from mmvg.weights.checkpoint import find_state_dict, load_checkpoint_file, load_state_dict
from mmvg.weights.latest import latest_checkpoint

#: Beginnings of mmengine's messages without information: one line per parameter and rule, and one for every registry
#: that mmvg rightly leaves to mmengine.
NOISE = ('paramwise_options -- ', 'Failed to search registry with scope "mmvg" in the ')


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
        torch.multiprocessing.set_sharing_strategy('file_system')
        super().setup_env(env_cfg)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wrap the model for several processes, without device ids where there is no GPU."""
        if self.distributed and not torch.cuda.is_available():
            defaults = dict(
                type='MMDistributedDataParallel',
                broadcast_buffers=False,
                find_unused_parameters=self.cfg.get('find_unused_parameters', False),
            )
            model_wrapper_cfg = {**(model_wrapper_cfg or defaults), 'device_ids': None}
        return super().wrap_model(model_wrapper_cfg, model)

    def build_logger(self, log_level: int | str = 'INFO', log_file: str | None = None) -> MMLogger:
        """Build mmengine's logger and filter out messages that begin as one of :data:`NOISE`."""
        logger = super().build_logger(log_level, log_file)
        logger.addFilter(lambda record: not str(record.msg).startswith(NOISE))
        return logger

    def build_optim_wrapper(self, optim_wrapper: OptimWrapper | Optimizer | dict) -> OptimWrapper:
        """Build the optimizer and log the size of each kind of parameter group."""
        built = super().build_optim_wrapper(optim_wrapper)
        groups = Counter()
        for group in [] if isinstance(built, OptimWrapperDict) else built.param_groups:
            size = sum(parameter.numel() for parameter in group['params'])
            groups[group['lr'], group.get('weight_decay', 0)] += size
        for (lr, weight_decay), size in groups.items():
            self.logger.info(f'{size:,} parameters with learning rate {lr:g} and weight decay {weight_decay:g}')
        return built

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the loop of training, and check that its data give a batch.

        Raises:
            ValueError: If there are fewer samples than one batch takes and the rest is dropped.
        """
        built = super().build_train_loop(loop)
        loader = built.dataloader
        if len(loader) == 0 and not isinstance(loader.sampler, InfiniteSampler):
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

    def register_hooks(self, default_hooks: dict | None = None, custom_hooks: list | None = None) -> None:
        """Register the hooks of the config, and the one that has checkpoints carry it as data."""
        super().register_hooks(default_hooks, custom_hooks)
        self.register_hook(CarriedConfigHook())

    def load_or_resume(self) -> None:
        """Load what the config says; to resume without a path, find the latest whole checkpoint of the work dir."""
        if self._resume and self._load_from is None and not self._has_loaded:
            latest = latest_checkpoint(self.work_dir)
            if latest is None:
                self.logger.warning(
                    f'{self.work_dir}: no checkpoint there to resume from; training starts from scratch'
                )
                self._resume = False
            else:
                self._load_from = str(latest)
        super().load_or_resume()

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
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)  # where EMAHook takes its weights out
        model = self.model.module if is_model_wrapper(self.model) else self.model
        load_state_dict(model, checkpoint['state_dict'], filename)
        self._has_loaded = True
        self.logger.info(f'Loaded the weights of {filename}')
        return checkpoint


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
