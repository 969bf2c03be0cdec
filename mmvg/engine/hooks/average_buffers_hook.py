"""Make the buffers of a model the same in all processes."""

import torch
from mmengine.dist import all_reduce, broadcast, get_world_size
from mmengine.hooks import EMAHook, Hook

from mmvg.registry import HOOKS


@HOOKS.register_module()
class AverageBuffersHook(Hook):
    """Averages the buffers of the model (running statistics of BatchNorm) over the processes.

    Each process normalises by what it has seen itself, and a checkpoint holds one model. So they are made equal before
    each validation and before each checkpoint, and both see the model that training goes on with. Whole numbers are
    those of the first process. The average of an ``EMAHook`` is treated in the same way.

    Args:
        interval: Average after so many iterations too.

    Example:
        >>> AverageBuffersHook().before_saving(runner=None)  # a single process has nothing to average
    """

    priority = 'HIGH'  # before EMAHook exchanges the weights for their averages

    def __init__(self, interval: int | None = None) -> None:
        if interval is not None and interval < 1:
            raise ValueError(f'interval must be 1 iteration or more, not {interval}')
        self.interval = interval

    def after_train_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Average the buffers if it is time."""
        if self.interval is not None and self.every_n_train_iters(runner, self.interval):
            self.before_saving(runner)

    def before_saving(self, runner) -> None:
        """Average the buffers; the Runner calls it in all processes before the first writes a checkpoint."""
        if get_world_size() == 1:
            return
        averages = [hook.ema_model for hook in runner.hooks if isinstance(hook, EMAHook)]
        with torch.no_grad():
            for buffer in (buffer for model in (runner.model, *averages) for buffer in model.buffers()):
                if buffer.is_floating_point():
                    all_reduce(buffer, 'mean')
                else:
                    broadcast(buffer)

    def before_val_epoch(self, runner) -> None:
        """Average the buffers."""
        self.before_saving(runner)
