"""What a checkpoint holds beyond mmengine's, so that a run goes on bit for bit."""

from typing import Any

from mmengine.dist import all_gather_object, get_dist_info
from mmengine.hooks import Hook
from torch import Tensor

from mmvg.engine.accumulation import accumulated, gradients_wait
from mmvg.engine.bare_model import bare_model
from mmvg.engine.errors import RunError
from mmvg.engine.generators import generator_states, seed_generators
from mmvg.registry import HOOKS


@HOOKS.register_module()
class ResumeHook(Hook):
    """Saves and restores the generators of all processes, and whether the last validation was finished.

    They are under the key ``run`` of a checkpoint, with the number of processes and the samples that a step took. On
    another number of processes a run goes on only if a step takes as many samples as before, all together: then epochs,
    schedules and the order of the data stay, and each process seeds its generators anew by seed, iteration and rank.
    Gradients that wait for those of the next batch (``accumulative_counts``) are saved too, unless there are several
    processes, each of which has its own.

    Example:
        >>> hook = ResumeHook()
        >>> hook.after_load_checkpoint(runner=None, checkpoint=dict(state_dict={}))  # one of mmengine alone
    """

    priority = 'VERY_HIGH'  # notes that a validation is done before CheckpointHook writes the checkpoint again

    def __init__(self) -> None:
        self._loaded: dict[str, Any] | None = None
        self._gathered: list[dict[str, Any]] = []

    def before_saving(self, runner) -> None:
        """Collect the states of all processes."""
        self._gathered = all_gather_object(generator_states(runner.model))

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Put them into the checkpoint."""
        checkpoint['run'] = dict(
            processes=len(self._gathered),
            batch_size=runner.train_dataloader.batch_sampler.batch_size,
            batches=_batches_of_a_pass(runner),
            accumulate=accumulated(runner.optim_wrapper),
            generators=self._gathered,
            gradients=self._waiting_gradients(runner),
        )

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Keep what the checkpoint says until the run begins."""
        self._loaded = checkpoint.get('run')

    def before_train(self, runner) -> None:
        """Hand the states to the loop, if this is a run that goes on.

        Raises:
            RunError: If a step would take another number of samples than before, or a pass another number of batches.
        """
        if not runner.has_resumed:
            return
        if self._loaded is None:
            runner.logger.warning(
                'The checkpoint does not hold the states of the generators: the run goes on with other random numbers'
            )
            return
        now = accumulated(runner.optim_wrapper)
        if (collected := self._loaded.get('accumulate', now)) != now:
            raise RunError(
                f'The run updated its weights after {collected} batches, and would now after {now}: '
                f'go on with --accumulate {collected} (optim_wrapper.accumulative_counts), or begin a new run from its '
                'weights (load_from without --resume)',
                exit_code=2,
            )
        self._restore_gradients(runner)
        rank, processes = get_dist_info()
        before, batch = self._loaded['processes'], runner.train_dataloader.batch_sampler.batch_size
        samples = before * self._loaded['batch_size']
        if processes * batch != samples:
            raise RunError(
                f'The run took {samples} samples a step ({before} x {self._loaded["batch_size"]}), and would now take '
                f'{processes * batch} ({processes} x {batch}), which shifts its epochs and learning rates: set '
                f'train_dataloader.batch_size so that it is {samples} again'
                f'{f" ({samples // processes})" if samples % processes == 0 else ""}, '
                'or begin a new run from its weights (load_from without --resume)',
                exit_code=2,
            )
        length = _batches_of_a_pass(runner)
        if (passed := self._loaded.get('batches', length)) != length:
            raise RunError(
                f'A pass over the data had {passed} batches, and would now have {length}, so that nobody knows where '
                'the run goes on: use the same data, and a number of processes that gives as many batches, or begin a '
                'new run from its weights (load_from without --resume)',
                exit_code=2,
            )
        if processes == before:
            runner.train_loop.generators = self._loaded['generators'][rank]
        else:
            runner.logger.warning(f'The run goes on in {processes} processes instead of {before}, with new generators')
            seed_generators(runner.model, runner.seed, runner.iter, rank)

    @staticmethod
    def _waiting_gradients(runner) -> dict[str, Tensor]:
        wrapper = runner.optim_wrapper
        if not gradients_wait(wrapper):
            return {}
        if get_dist_info()[1] > 1:
            runner.logger.warning(
                f'Iteration {runner.iter + 1} lies between two updates, and a checkpoint does not hold the gradients '
                f'of each process: for a run that goes on bit for bit, save at multiples of {accumulated(wrapper)}'
            )
            return {}
        gradients = {name: parameter.grad for name, parameter in bare_model(runner.model).named_parameters()}
        return {name: gradient for name, gradient in gradients.items() if gradient is not None}

    def _restore_gradients(self, runner) -> None:
        gradients = self._loaded.get('gradients') or {}
        for name, parameter in bare_model(runner.model).named_parameters():
            if name in gradients:
                parameter.grad = gradients[name].to(parameter.device)

    def after_val_epoch(self, runner, metrics: dict[str, float] | None = None) -> None:
        """Note that this validation is done."""
        runner.message_hub.update_info('scored_iter', runner.iter)


def _batches_of_a_pass(runner) -> int | None:
    """How many batches a pass over the data has; None if it never ends."""
    loader = runner.train_dataloader
    return None if loader.batch_sampler.is_infinite else len(loader)
