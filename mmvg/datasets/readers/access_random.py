"""Random numbers for what a dataset draws when a sample is accessed."""

import numpy as np

from mmvg.foundation import get_rank


class AccessRandom:
    """Draws whole numbers that differ by seed, rank, worker and epoch, and repeat with the same seed.

    MMEngine seeds numpy and torch in each worker with the same numbers every epoch, so neither can be used there. The
    worker's own seed can: the loader draws a new one from the main process's torch generator for every epoch (or once
    for persistent workers, whose generator then goes on). Ranks share that seed, so the rank is mixed in. Whoever knows
    the place of a sample in the run sets :attr:`sample_seed` before it is accessed, and the draws depend on that alone.
    """

    #: Seed of the sample that this worker accesses; None where no one sets it.
    sample_seed: int | None = None

    def __init__(self) -> None:
        self.rank = get_rank()
        self._key: tuple[int, ...] | None = None
        self._generator: np.random.Generator | None = None

    def integer(self, high: int) -> int:
        """Draw a number in [0, high), each equally likely."""
        import torch
        from torch.utils.data import get_worker_info

        worker = get_worker_info()
        if worker is None:
            seed = int(torch.randint(2**62, ()))
            return int(np.random.default_rng([seed, self.rank]).integers(high))
        key = (worker.seed, self.rank) if self.sample_seed is None else (self.sample_seed,)
        if key != self._key:
            self._key = key
            self._generator = np.random.default_rng(key)
        return int(self._generator.integers(high))
