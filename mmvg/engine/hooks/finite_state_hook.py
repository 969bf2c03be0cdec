"""Keep what is not finite out of a model and its checkpoints."""

import torch
from mmengine.hooks import EMAHook, Hook
from torch import Tensor, nn

from mmvg.engine.accumulation import accumulated, gradients_wait, wrappers_of
from mmvg.engine.bare_model import bare_model
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
        self._masks = {name for name, buffer in bare_model(runner.model).named_buffers() if list(non_finite(buffer))}

    def before_train_iter(self, runner, batch_idx: int, data_batch: dict | None = None) -> None:
        """Keep the buffers, unless gradients of batches before are still waiting for their step."""
        if not self._kept or not gradients_wait(runner.optim_wrapper):
            self._kept = [buffer.clone() for buffer in _statistics(runner.model)]

    def after_train_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Put them back if the step was left out, and say so; or if the batches of a step are not all there yet."""
        skipped = [each for each in wrappers_of(runner.optim_wrapper) if getattr(each, 'skipped', False)]
        waits = accumulated(runner.optim_wrapper) > 1
        if skipped or (waits and self._spoiled(runner)):  # else EMAHook would average what the step then leaves out
            for buffer, kept in zip(_statistics(runner.model), self._kept, strict=True):
                buffer.copy_(kept)
        if not skipped:
            return
        for each in skipped:
            each.skipped = False
        names = [name for name, value in (outputs or {}).items() if not torch.isfinite(torch.as_tensor(value)).all()]
        runner.logger.warning(
            f'Iteration {runner.iter + 1}: {", ".join(names) or "the gradient"} is not finite; the step is left out '
            f'({runner.message_hub.get_info("skipped_steps")} so far)'
        )

    def _spoiled(self, runner) -> bool:
        """Whether a buffer is not finite that was."""
        pairs = zip(_statistics(runner.model), self._kept, strict=True)
        return any(list(non_finite(buffer)) and not list(non_finite(kept)) for buffer, kept in pairs)

    def _without_masks(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: value for name, value in state.items() if name.removeprefix('module.') not in self._masks}

    def before_saving(self, runner) -> None:
        """Check everything that a checkpoint would hold.

        Raises:
            RunError: If some of it is not finite.
        """
        state = self._without_masks(bare_model(runner.model).state_dict())
        models = [hook.ema_model for hook in runner.hooks if isinstance(hook, EMAHook)]
        averages = [self._without_masks({**dict(x.named_parameters()), **dict(x.named_buffers())}) for x in models]
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


def _statistics(model: nn.Module) -> list[Tensor]:
    """Buffers that a forward pass may change: running statistics and counters."""
    return [buffer for buffer in model.buffers() if buffer.is_floating_point() or buffer.ndim == 0]
