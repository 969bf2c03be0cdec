"""Loops of training that go on at any batch, and do not lose the validation during which a run ended."""

import math
from collections.abc import Iterator

from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from torch.utils.data import DataLoader

from mmvg.engine.batch_stream import numbered_loader
from mmvg.engine.errors import StopRun
from mmvg.engine.generators import generator_states, set_generator_states


class _ResumableLoop:
    """What both loops share: batches from any place on, and validation that is made up for.

    Hooks are called at one stage more than those of mmengine: ``stop_in_validation``, when a signal arrived there.

    Attributes:
        generators: States of the generators to go on with (:func:`mmvg.engine.generators.generator_states`), if any.
    """

    def __init__(self, runner, dataloader: DataLoader | dict, **settings) -> None:
        super().__init__(runner, dataloader, **settings)
        self.dataloader = numbered_loader(self.dataloader, runner.seed)
        self.generators: dict | None = None

    def set_seed(self, seed: int) -> None:
        """Take the order of the samples, and what is drawn for each, from another seed than the loop was built with."""
        batches = self.dataloader.batch_sampler
        for part in (batches, batches.sampler):
            if hasattr(part, 'seed'):
                part.seed = seed

    def _batches(self, number: int, start: int) -> Iterator[list | dict]:
        """Yield the batches of pass ``number`` over the data from batch ``start`` on.

        Without workers an iterator draws from the generators of this process when it is made. A run that goes on in the
        middle of a pass had drawn that before its state was saved.
        """
        self.dataloader.batch_sampler.begin(number, start)
        if start == 0:
            self._restore_generators()
        iterator = iter(self.dataloader)
        if start > 0:
            self._restore_generators()
        yield from iterator

    def _catch_up_validation(self) -> None:
        """Validate if the run ended between a checkpoint and the end of the validation that was due."""
        done = self.runner.message_hub.get_info('scored_iter')
        self._decide_current_val_interval()
        if self._iter > 0 and self._is_validation_due() and done != self._iter:
            self._restore_generators()
            self._validate()
            self.generators = generator_states(self.runner.model)  # the first batches are still to be asked for

    def _restore_generators(self) -> None:
        if self.generators is not None:
            set_generator_states(self.runner.model, self.generators)
            self.generators = None

    def _validate(self) -> None:
        states = generator_states(self.runner.model)
        try:
            self.runner.val_loop.run()
        except StopRun:
            set_generator_states(self.runner.model, states)
            self.runner.call_hook('stop_in_validation')
            raise


class ResumableIterLoop(_ResumableLoop, IterBasedTrainLoop):
    """Trains for a number of iterations, as mmengine's ``IterBasedTrainLoop``, whose settings it takes.

    It goes on at the next batch without loading those before it, and does not wait between two passes over the data.
    """

    def run(self):
        """Train, and return the model."""
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        self._catch_up_validation()
        batches = self._endless_batches()
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(batches))
            self._decide_current_val_interval()
            if self._is_validation_due():
                self._validate()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _endless_batches(self) -> Iterator[list | dict]:
        size = math.inf if self.dataloader.batch_sampler.is_infinite else len(self.dataloader)
        number, start = (0, self._iter) if size == math.inf else divmod(self._iter, size)
        while True:
            yield from self._batches(number, start)
            number, start = number + 1, 0

    def _is_validation_due(self) -> bool:
        return (
            self.runner.val_loop is not None
            and self._iter >= self.val_begin
            and (self._iter % self.val_interval == 0 or self._iter == self._max_iters)
        )


class ResumableEpochLoop(_ResumableLoop, EpochBasedTrainLoop):
    """Trains for a number of epochs, as mmengine's ``EpochBasedTrainLoop``, whose settings it takes.

    A checkpoint in the middle of an epoch goes on there; mmengine begins that epoch anew.
    """

    def run(self):
        """Train, and return the model."""
        self.runner.call_hook('before_train')
        if self._start == 0:
            self._catch_up_validation()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._decide_current_val_interval()
            if self._is_validation_due():
                self._validate()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train for what is left of the present epoch."""
        start = self._start
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        for index, batch in enumerate(self._batches(self._epoch, start), start):
            self.run_iter(index, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    @property
    def _start(self) -> int:
        """How many batches of the present epoch are done."""
        return self._iter - self._epoch * len(self.dataloader)

    def _is_validation_due(self) -> bool:
        return (
            self.runner.val_loop is not None
            and self._epoch >= self.val_begin
            and (self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs)
        )
