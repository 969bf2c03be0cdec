"""Measure what one update of the weights costs with each optimizer, on the parameters of a config.

    OMP_NUM_THREADS=1 python benchmarks/optimizers.py configs/raam/refshapes.py
    OMP_NUM_THREADS=1 python -m torch.distributed.run --nproc_per_node=4 benchmarks/optimizers.py

Random gradients; the optimizers take turns. What ``torch.optim.Muon`` does not take goes to AdamW there.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.dist import get_rank
from torch import nn

from mmvg.config import read_config
from mmvg.engine.optimizers import MuonAdamW
from mmvg.engine.optimizers.muon_adamw import is_matrix
from mmvg.registry import MODELS

CONFIG = Path(__file__).parents[1] / 'configs/raam/refshapes.py'


def steps_of(params: Sequence[nn.Parameter]) -> dict[str, Callable[[], None]]:
    """Return one update by each optimizer, by name."""
    from timm.optim import Muon as TimmMuon

    ours, adamw = MuonAdamW(params), torch.optim.AdamW(params, fused=True)
    steps = {'AdamW': adamw.step, 'mmvg MuonAdamW': ours.step, 'timm Muon': TimmMuon(params, lr=1e-3).step}
    if hasattr(torch.optim, 'Muon'):  # torch 2.9
        flat = [param for param in params if param.ndim == 2 and is_matrix(param)]
        chosen = {id(param) for param in flat}
        muon = torch.optim.Muon(flat, lr=1e-3)
        rest = torch.optim.AdamW([param for param in params if id(param) not in chosen], fused=True)
        steps['torch Muon and AdamW'] = lambda: (muon.step(), rest.step())
    return steps


def main() -> None:
    """Print the median milliseconds of an update, and the ratio to AdamW's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', nargs='?', default=CONFIG, help='whose model gives the shapes')
    parser.add_argument('--rounds', type=int, default=5)
    args = parser.parse_args()
    if 'LOCAL_RANK' in os.environ:
        torch.distributed.init_process_group('gloo')
    params = [param for param in MODELS.build(read_config(args.config).model).parameters() if param.requires_grad]
    for param in params:
        param.grad = torch.randn_like(param)
    steps = steps_of(params)
    taken = {name: [] for name in steps}
    for round_number in range(args.rounds + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if round_number:  # the first round warms up
                taken[name].append(1000 * (time.perf_counter() - start))
    if get_rank() == 0:
        medians = {name: float(np.median(values)) for name, values in taken.items()}
        for name, milliseconds in medians.items():
            print(f'{name:22} {milliseconds:8.1f} ms {milliseconds / medians["AdamW"]:7.1f} times AdamW')


if __name__ == '__main__':
    main()
