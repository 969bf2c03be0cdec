"""Measure what the modes of docs/training.md change: seconds of a training step, and memory that waits for backward.

    OMP_NUM_THREADS=1 python benchmarks/training_modes.py configs/instancevg/grefcoco.py --batch-size 2
    python benchmarks/training_modes.py configs/lavt/refcoco.py --modes plain channels_last compile    # on a GPU

Random weights and pictures; AdamW for all. Seconds are those of the processor on a CPU, the median of steps after three
that are not counted, and the modes take turns in one run; memory is that of the tensors that autograd keeps.
"""

import argparse
import copy
import time
from contextlib import nullcontext

import numpy as np
import torch
from gpu import batch_of, build
from torch import nn

from mmvg.engine.modes import apply_modes, compile_parts

MODES = ('plain', 'amp', 'channels_last', 'checkpoint_activations', 'compile', 'fused')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', nargs='?', default='configs/instancevg/grefcoco.py')
    parser.add_argument('--modes', nargs='+', default=MODES, choices=MODES)
    parser.add_argument('--batch-size', type=int, default=2)
    parser.add_argument('--steps', type=int, default=3)
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    return parser.parse_args()


class Step:
    """One training step in a mode.

    Args:
        mode: One of :data:`MODES`.
        model: Changed in place.
        batch: Inputs and samples.
        device: Where they are.
    """

    def __init__(self, mode: str, model: nn.Module, batch: tuple, device: str) -> None:
        self.model = apply_modes(
            model, {mode: True} if mode in ('channels_last', 'checkpoint_activations') else {}, print
        )
        self.batch = batch
        self.compiles = mode == 'compile'  # hooks of autograd would be compiled too
        if self.compiles:
            compile_parts(model, dict(backend='inductor'))
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=mode == 'fused')
        self.context = torch.autocast(device, torch.bfloat16) if mode == 'amp' else nullcontext()
        self.kept: dict[int, int] = {}
        self.seconds: list[float] = []
        self.clock = time.process_time if device == 'cpu' else time.perf_counter

    def run(self, count: bool) -> None:
        """Take a step, and time it; one that does not count notes what is kept."""
        start = self.clock()
        hooks = (
            nullcontext()
            if count or self.compiles
            else torch.autograd.graph.saved_tensors_hooks(self._note, lambda x: x)
        )
        with hooks, self.context:
            losses = self.model(*self.batch, mode='loss')
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.clock is time.perf_counter:
            torch.cuda.synchronize()
        self.seconds.append(self.clock() - start)

    def _note(self, tensor: torch.Tensor) -> torch.Tensor:
        if not isinstance(tensor, nn.Parameter):
            storage = tensor.untyped_storage()
            self.kept[storage.data_ptr()] = storage.nbytes()
        return tensor


def main() -> None:
    """Print a line for each mode."""
    args = parse_args()
    model, inputs, _ = build(args.config)
    batch = batch_of(inputs, args.batch_size, args.device)
    steps = {mode: Step(mode, copy.deepcopy(model).train().to(args.device), batch, args.device) for mode in args.modes}
    for round_number in range(args.steps + 3):
        for step in steps.values():
            step.run(count=round_number > 0)
    plain = np.median(next(iter(steps.values())).seconds[3:])
    for mode, step in steps.items():
        seconds = np.median(step.seconds[3:])
        kept = '' if step.compiles else f'{sum(step.kept.values()) / 1e6:.0f} MB kept'
        print(
            f'{mode:24} {seconds:7.2f} s a step, {plain / seconds:5.2f} times as fast, first step '
            f'{step.seconds[0]:.1f} s, {kept}'
        )


if __name__ == '__main__':
    main()
