"""End a run by a signal without losing anything."""

import signal
import threading
import time
from collections.abc import Sequence
from types import FrameType

import torch
from mmengine.dist import all_gather_object, all_reduce, barrier, get_comm_device, get_world_size
from mmengine.hooks import EMAHook, Hook

from mmvg.engine.accumulation import gradients_wait
from mmvg.engine.errors import StopRun
from mmvg.engine.hooks.safe_checkpoint_hook import SafeCheckpointHook
from mmvg.registry import HOOKS

SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: Within this time after SIGTERM a step must end; schedulers kill after 30 seconds.
_SECONDS_FOR_STEP = 25


@HOOKS.register_module()
class StopHook(Hook):
    """On SIGTERM or Ctrl+C, finishes the step, saves a checkpoint, and ends the run with exit code 143 or 130.

    All processes end behind the same step, whichever of them got the signal. In a validation or a test, the next batch
    is not begun; a validation is made up for when the run goes on. Pressing Ctrl+C again after a second ends at once.
    Where no step ends within 25 seconds of SIGTERM, because what loads data has died of it, a run of one process ends
    with the checkpoint that it has.

    Example:
        >>> StopHook().priority
        'LOWEST'
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self._signal = 0
        self._since = 0.0
        self._handlers: dict[signal.Signals, object] = {}
        self._shared_batches = 0

    def before_train(self, runner) -> None:
        """Take over the signals."""
        self._install(runner)

    def before_test(self, runner) -> None:
        """Take over the signals."""
        self._install(runner)

    def at_end(self, runner) -> None:
        """Give the signals back; the Runner calls it however the run ends."""
        signal.alarm(0)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def after_train_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Save and end, if a signal has arrived in any process; not while gradients wait for their step.

        Raises:
            StopRun: Then.
        """
        number = self._agreed()
        if number and not self._collects_gradients(runner):
            self._save_and_end(runner, number, runner.iter + 1)

    def before_val_epoch(self, runner) -> None:
        """Find out how many batches all processes have."""
        self._shared_batches = min(all_gather_object(len(runner.val_dataloader)))

    def before_test_epoch(self, runner) -> None:
        """Find out how many batches all processes have."""
        self._shared_batches = min(all_gather_object(len(runner.test_dataloader)))

    def after_val_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None, outputs: Sequence | None = None
    ) -> None:
        """Leave the validation, if a signal has arrived.

        Raises:
            StopRun: Then.
        """
        if not self._collects_gradients(runner):
            self.after_test_iter(runner, batch_idx)

    def after_test_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None, outputs: Sequence | None = None
    ) -> None:
        """Leave the test, if a signal has arrived.

        Raises:
            StopRun: Then.
        """
        if batch_idx < self._shared_batches and (number := self._agreed()):
            raise StopRun(number)

    def stop_in_validation(self, runner) -> None:
        """Save the state that the validation began with."""
        for hook in runner.hooks:
            if isinstance(hook, EMAHook):
                hook.after_val_epoch(runner)  # weights and averages were exchanged
        self._save_and_end(runner, self._agreed(), runner.iter)

    def _save_and_end(self, runner, number: int, iteration: int) -> None:
        signal.alarm(0)
        saved = 'nothing is saved, for the config has no hook for that'
        for hook in runner.hooks:
            if isinstance(hook, SafeCheckpointHook):
                saved = f'{hook.save_now(runner, iteration)} is saved, --resume goes on from there'
        runner.logger.warning(f'{signal.Signals(number).name} after iteration {iteration}: {saved}')
        barrier()  # who ends first makes torchrun end the others, and the first process may still be writing
        raise StopRun(number)

    @staticmethod
    def _collects_gradients(runner) -> bool:
        """Whether gradients wait for those of the next batch, which no checkpoint holds."""
        return gradients_wait(runner.optim_wrapper)

    def _agreed(self) -> int:
        """Return the signal that has arrived in any process, or 0."""
        if get_world_size() == 1:
            return self._signal
        highest = torch.tensor(self._signal, device=get_comm_device())
        all_reduce(highest, 'max')
        return int(highest)  # not kept: a signal may have arrived since

    def _install(self, runner) -> None:
        if threading.current_thread() is not threading.main_thread() or self._handlers:
            return
        self._signal = 0

        def handle(number: int, frame: FrameType | None) -> None:
            alone = get_world_size() == 1  # else torchrun repeats what the terminal has sent
            if self._signal and alone and time.monotonic() > self._since + 1:
                raise KeyboardInterrupt
            if not self._signal:
                self._signal, self._since = number, time.monotonic()
                if number == signal.SIGTERM and alone:
                    signal.alarm(_SECONDS_FOR_STEP)

        def give_up(number: int, frame: FrameType | None) -> None:
            runner.logger.warning(
                f'SIGTERM: no step has ended in {_SECONDS_FOR_STEP} s; --resume goes on from the last checkpoint'
            )
            raise StopRun(signal.SIGTERM)

        self._handlers = {number: signal.signal(number, handle) for number in SIGNALS}
        self._handlers[signal.SIGALRM] = signal.signal(signal.SIGALRM, give_up)
