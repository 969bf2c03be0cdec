"""Average the buffers of a model over the processes."""

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook

from mmvg.registry import HOOKS


@HOOKS.register_module()
class AverageBuffersHook(Hook):
    """Averages the floating-point buffers of the model (running statistics of BatchNorm) over the processes.

    Each process normalises by what it has seen itself, and a checkpoint holds those of the first. MMEngine's
    ``SyncBuffersHook`` averages at the end of epochs; this one does it after iterations, before a checkpoint is written
    and a validation begins, so that both see the same model.

    Args:
        interval: Iterations between averagings; the last iteration always has one.

    Example:
        >>> hook = AverageBuffersHook(interval=100)
        >>> hook.after_train_iter(runner=None, batch_idx=0)  # a single process has nothing to average
    """

    priority = 'NORMAL'

    def __init__(self, interval: int) -> None:
        if interval < 1:
            raise ValueError(f'interval must be 1 iteration or more, not {interval}')
        self.interval = interval

    def after_train_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Average the buffers if it is time."""
        if get_world_size() == 1:
            return
        if self.every_n_train_iters(runner, self.interval) or runner.iter + 1 == runner.max_iters:
            with torch.no_grad():
                for buffer in runner.model.buffers():
                    if buffer.is_floating_point():
                        all_reduce(buffer, 'mean')
