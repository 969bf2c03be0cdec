"""Keep what is not finite out of a model and its checkpoints."""

import torch
from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from torch import Tensor, nn

from mmvg.engine.errors import DIVERGED, RunError
from mmvg.registry import HOOKS
from mmvg.weights.integrity import non_finite


@HOOKS.register_module()
class FiniteStateHook(Hook):
    """Says which steps were left out, and puts the buffers back that such a batch has changed.

    The optimizer wrapper leaves out a step without a finite gradient
    (:class:`mmvg.engine.optimizers.FiniteOptimWrapper`), but running statistics have seen the batch by then. Before a
    checkpoint is written, everything in it is checked: one that holds infinities or NaN does not replace a good one.

    Example:
        >>> FiniteStateHook().priority
        'ABOVE_NORMAL'
    """

    priority = 'ABOVE_NORMAL'  # buffers are put back before EMAHook averages them

    def __init__(self) -> None:
        self._kept: list[Tensor] = []
        self._masks: set[str] = set()

    def before_train(self, runner) -> None:
        """Note which buffers are not finite on purpose, as masks of attention are."""
        self._masks = {name for name, buffer in _bare(runner.model).named_buffers() if list(non_finite(buffer))}

    def before_train_iter(self, runner, batch_idx: int, data_batch: dict | None = None) -> None:
        """Keep the buffers, unless gradients of batches before are still waiting for their step."""
        wrapper = runner.optim_wrapper
        if not self._kept or wrapper.inner_count % wrapper._accumulative_counts == 0:
            self._kept = [buffer.clone() for buffer in _statistics(runner.model)]

    def after_train_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Put them back and say so, if the step was left out."""
        if not getattr(runner.optim_wrapper, 'skipped', False):
            return
        runner.optim_wrapper.skipped = False
        for buffer, kept in zip(_statistics(runner.model), self._kept, strict=True):
            buffer.copy_(kept)
        names = [name for name, value in (outputs or {}).items() if not torch.isfinite(torch.as_tensor(value)).all()]
        runner.logger.warning(
            f'Iteration {runner.iter + 1}: {", ".join(names) or "the gradient"} is not finite; the step is left out '
            f'({runner.message_hub.get_info("skipped_steps")} so far)'
        )

    def before_saving(self, runner) -> None:
        """Check everything that a checkpoint would hold.

        Raises:
            RunError: If some of it is not finite.
        """
        averages = [dict(hook.ema_model.named_parameters()) for hook in runner.hooks if isinstance(hook, EMAHook)]
        state = {name: value for name, value in _bare(runner.model).state_dict().items() if name not in self._masks}
        found = [
            *non_finite(state),
            *non_finite(runner.optim_wrapper.state_dict(), 'optimizer'),
            *non_finite(averages, 'average'),
        ]
        if found:
            raise RunError(
                f'No checkpoint is written at iteration {runner.iter + 1}: {len(found)} tensors hold infinities or NaN '
                f'({", ".join(found[:3])}). The checkpoints of the run before are untouched',
                exit_code=DIVERGED,
            )


def _bare(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model


def _statistics(model: nn.Module) -> list[Tensor]:
    """Buffers that a forward pass may change: running statistics and counters."""
    return [buffer for buffer in model.buffers() if buffer.is_floating_point() or buffer.ndim == 0]
