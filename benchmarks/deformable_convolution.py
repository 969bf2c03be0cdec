"""Measure CPU seconds per step, forward and backward, of deformable 3x3 convolutions.

    python benchmarks/deformable_convolution.py --channels 64 --size 32 --batch 16

Compares torchvision's and mmcv's operators with ``sampled_convolution``, in which SegVLM trains on a CPU, and with the
plain convolution.
"""

import argparse
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from mmcv.ops import deform_conv2d as mmcv_deform_conv2d
from torch import Tensor
from torchvision.ops import deform_conv2d

from mmvg.models.layers.deformable_enhancement import sampled_convolution


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--channels', type=int, default=64)
    parser.add_argument('--size', type=int, default=32, help='side of the map')
    parser.add_argument('--repeats', type=int, default=5, help='the fastest counts')
    return parser.parse_args()


def seconds(run: Callable[[], Tensor], inputs: tuple[Tensor, ...], repeats: int) -> tuple[float, float]:
    """Return the time of the fastest forward and backward pass, in seconds that this process had of the CPU."""
    forward, backward = [], []
    for _ in range(repeats):
        start = time.process_time()
        loss = run().square().mean()
        middle = time.process_time()
        torch.autograd.grad(loss, [tensor for tensor in inputs if tensor.requires_grad], allow_unused=True)
        forward.append(middle - start)
        backward.append(time.process_time() - middle)
    return min(forward), min(backward)


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(args.batch, args.channels, args.size, args.size, generator=generator).requires_grad_()
    offset = (2 * torch.randn(args.batch, 18, args.size, args.size, generator=generator)).requires_grad_()
    weight = torch.randn(args.channels, args.channels, 3, 3, generator=generator).requires_grad_()
    variants = {
        'torchvision': lambda: deform_conv2d(x, offset, weight, padding=1),
        'mmcv': lambda: mmcv_deform_conv2d(x, offset, weight, 1, 1),
        'sampled': lambda: sampled_convolution(x, offset, weight),
        'plain': lambda: F.conv2d(x, weight, padding=1),
    }
    print(f'{args.batch} maps, {args.channels} channels, {args.size} x {args.size}, one thread')
    for name, run in variants.items():
        forward, backward = seconds(run, (x, offset, weight), args.repeats)
        print(f'{name:12} forward {1000 * forward:7.1f} ms, backward {1000 * backward:7.1f} ms')


if __name__ == '__main__':
    main()
