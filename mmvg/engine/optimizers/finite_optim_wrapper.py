"""Steps of an optimizer that are left out where the gradient is not finite."""

import functools
from collections.abc import Callable

import torch
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from torch import Tensor

from mmvg.engine.errors import DIVERGED, RunError
from mmvg.weights.sharded import whole


class _SkipNonFinite:
    """Leaves out the steps whose loss or gradient is infinite or NaN, and ends the run after some in a row.

    A loss that is not finite in one process makes the gradient so in all of them, so that all leave out the same step.
    The counts are in the message hub, which checkpoints hold: ``skipped_steps`` and ``skipped_in_a_row``.

    Args:
        most_in_a_row: How many steps may be left out without one between them.
        settings: Those of mmengine's wrapper.
    """

    def __init__(self, *, most_in_a_row: int = 10, **settings) -> None:
        super().__init__(**settings)
        if most_in_a_row < 1:
            raise ValueError(f'optim_wrapper.most_in_a_row must be 1 or more, not {most_in_a_row}')
        self.most_in_a_row = most_in_a_row
        #: Whether the last call of :meth:`step` left the weights as they were.
        self.skipped = False
        if self.clip_grad_kwargs:
            self.clip_func = functools.partial(_clip, self.clip_func)

    def scale_loss(self, loss: Tensor) -> Tensor:
        """Divide the loss by the number of batches of a step; where it is not finite, let all its gradients be NaN."""
        sound = torch.where(loss.detach().isfinite(), 1.0, torch.nan).to(loss.dtype)
        return super().scale_loss(loss) * sound

    def step(self, **settings) -> None:
        """Step, unless the gradient is not finite.

        Raises:
            RunError: If it was not finite too often in a row.
        """
        gradients = [
            parameter.grad
            for group in self.optimizer.param_groups
            for parameter in group['params']
            if parameter.grad is not None
        ]
        self.skipped = bool(gradients) and not bool(whole(torch.nn.utils.get_total_norm(gradients)).isfinite())
        self._step(**settings)
        if not self.skipped:
            if self.message_hub.get_info('skipped_in_a_row'):
                self.message_hub.update_info('skipped_in_a_row', 0)
            return
        self._count()

    def _step(self, **settings) -> None:
        if not self.skipped:
            super().step(**settings)

    def _count(self) -> None:
        in_a_row = self.message_hub.get_info('skipped_in_a_row', 0) + 1
        self.message_hub.update_info('skipped_in_a_row', in_a_row)
        self.message_hub.update_info('skipped_steps', self.message_hub.get_info('skipped_steps', 0) + 1)
        if in_a_row >= self.most_in_a_row:
            raise RunError(
                f'The loss or its gradient was infinite or NaN in {in_a_row} steps in a row: the training diverged. '
                'The weights are those before these steps, and the checkpoints of the run are whole: go on from one '
                'with a lower learning rate, or look at the data of these steps',
                exit_code=DIVERGED,
            )


class FiniteOptimWrapper(_SkipNonFinite, OptimWrapper):
    """mmengine's ``OptimWrapper``, which leaves out steps without a finite gradient.

    Args:
        most_in_a_row: How many may be left out without one between them, before the run ends with exit code 3.
        settings: Those of mmengine's wrapper.

    Example:
        >>> weight = torch.nn.Parameter(torch.ones(1))
        >>> wrapper = FiniteOptimWrapper(optimizer=torch.optim.SGD([weight], lr=0.1))
        >>> wrapper.update_params((weight / 0).sum())
        >>> weight.item(), wrapper.skipped
        (1.0, True)
    """


class FiniteAmpOptimWrapper(_SkipNonFinite, AmpOptimWrapper):
    """mmengine's ``AmpOptimWrapper``; the scaler leaves such steps out by itself, and lowers its scale.

    Gradients that are too large for half precision are a part of finding the scale: such steps are counted, but end the
    run only where the scale cannot fall any further.
    """

    def _step(self, **settings) -> None:
        self._scale_before = self.loss_scaler.get_scale()
        AmpOptimWrapper.step(self, **settings)

    def _count(self) -> None:
        if self._scale_before > 1 and self.loss_scaler.get_scale() < self._scale_before:
            self.message_hub.update_info('skipped_steps', self.message_hub.get_info('skipped_steps', 0) + 1)
        else:
            super()._count()


def _clip(clip: Callable, parameters: list[Tensor], **settings) -> Tensor | None:
    """Clip, and return the norm of the whole gradient where each process has a part of it."""
    return whole(clip(parameters, **settings))
