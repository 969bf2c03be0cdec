"""Measure time and memory of MagNet's alignment loss: blocks with their own backward pass, against all pairs at once.

    python benchmarks/alignment_loss.py --sides 30 60 120

One image, 256 channels, 15 percent foreground, forward and backward. ``sums`` is the part that grows with the pairs of
pixels, ``loss`` the whole loss, in which both ways share normalisation and gathering. Memory is that of all tensors
beyond the inputs, at its peak.
"""

import argparse
import time
import weakref
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmvg.models.losses import AlignmentLoss
from mmvg.models.losses.alignment_loss import negative_sums


def all_pairs(pixels: Tensor, foreground: Tensor, text: Tensor, temperature: float = 0.1) -> Tensor:
    """Compute the loss with the whole matrix of similarities, as autograd keeps it."""
    pixels = F.normalize(pixels, dim=-1)
    x, y = pixels[foreground], pixels[~foreground]
    negatives = x @ y.t() / temperature
    total = 0
    for vectors, anchor, others in ((x, x.mean(0), negatives), (y, y.mean(0), negatives.t()), (x, text, negatives)):
        positive = vectors @ F.normalize(anchor, dim=0) / temperature
        total = total + (torch.logaddexp(positive, others.logsumexp(1)) - positive).mean()
    return total


def in_blocks(pixels: Tensor, foreground: Tensor, text: Tensor) -> Tensor:
    """Compute the loss as mmvg does."""
    return sum(AlignmentLoss()(pixels, foreground, text))


def all_sums(pixels: Tensor, foreground: Tensor, text: Tensor, temperature: float = 0.1) -> Tensor:
    """Sum over all pairs of the unit vectors ``pixels``, those of the foreground first."""
    x, y = pixels.split([int(foreground.sum()), int((~foreground).sum())])
    similarity = torch.exp((x @ y.t() - 1) / temperature)
    return similarity.sum(1).log().mean() + similarity.sum(0).log().mean()


def block_sums(pixels: Tensor, foreground: Tensor, text: Tensor) -> Tensor:
    """Sum as mmvg does."""
    rows, columns = negative_sums(*pixels.split([int(foreground.sum()), int((~foreground).sum())]), 0.1)
    return rows.log().mean() + columns.log().mean()


WAYS = {
    'sums': {'all pairs': all_sums, 'in blocks': block_sums},
    'loss': {'all pairs': all_pairs, 'in blocks': in_blocks},
}


class TensorMemory(TorchDispatchMode):
    """Counts the bytes of the tensors that were made since it began: those alive now, and the most there ever were."""

    def __init__(self) -> None:
        super().__init__()
        self.alive = self.peak = 0
        self.known = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._watch(tensor.untyped_storage())
        return result

    def _watch(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self.known:
            return
        self.known.add(key)
        self.alive += size
        self.peak = max(self.peak, self.alive)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.alive -= size


def measure(function: Callable, side: int, share: float, channels: int) -> tuple[float, float, float, float]:
    """Return seconds, MiB, the value and the norm of the gradient of one forward and backward pass."""
    generator = torch.Generator().manual_seed(0)
    pixels = F.normalize(torch.randn(side * side, channels, generator=generator), dim=-1).requires_grad_()
    foreground = torch.arange(side * side) < share * side * side
    text = torch.randn(channels, generator=generator)
    start = time.perf_counter()
    value = function(pixels, foreground, text)
    value.backward()
    seconds = time.perf_counter() - start
    gradient, pixels.grad = pixels.grad.norm().item(), None
    with TensorMemory() as memory:
        function(pixels, foreground, text).backward()
    return seconds, memory.peak / 2**20, value.item(), gradient


def main() -> None:
    """Print both ways and their ratio for every part and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sides', type=int, nargs='+', default=[30, 60, 120])
    parser.add_argument('--share', type=float, default=0.15, help='of the pixels that are foreground')
    parser.add_argument('--channels', type=int, default=256)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f'{"side":>5} {"part":>5} {"way":>10} {"s":>7} {"MiB":>8} {"value":>9} {"gradient":>9}')
    for side in args.sides:
        for part, ways in WAYS.items():
            results = [measure(function, side, args.share, args.channels) for function in ways.values()]
            for way, (seconds, mib, value, gradient) in zip(ways, results, strict=True):
                print(f'{side:>5} {part:>5} {way:>10} {seconds:>7.2f} {mib:>8.1f} {value:>9.5f} {gradient:>9.6f}')
            (plain_s, plain_mib, *_), (our_s, our_mib, *_) = results
            print(f'{side:>5} {part:>5} {"ratio":>10} {plain_s / our_s:>7.2f} {plain_mib / our_mib:>8.1f}')


if __name__ == '__main__':
    main()
