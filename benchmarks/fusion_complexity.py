"""Measure what fusing an image with a text costs: self-attention, cross-attention, LAVT's attention, and RaAM.

    python benchmarks/fusion_complexity.py --out work_dirs/fusion_complexity

For one sample, over lengths of text and sides of the image map: multiply-accumulates, memory that training keeps for
the backward pass, and processor time of a forward pass on one thread (the best of several). Writes a table
(``.json``) and a plot (``.png``), and prints from which length of text on RaAM costs less than cross-attention.

The fusions have one head and the width of ViT-B and BERT. Self-attention runs over pixels and words together, with
projections for queries, keys, values and the result. Cross-attention lets pixels look at words, with the same four.
"""

import argparse
import json
from pathlib import Path
from time import process_time

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmvg.models.fusions import RegionAnchoring
from mmvg.models.fusions.pixel_word_attention import PixelWordAttention

CHANNELS = 768
LENGTHS = (8, 12, 16, 20, 24, 32, 40, 64, 96, 128, 192, 256)
SIDES = (14, 20, 28, 40, 56)
FIGURES = dict(macs='GMACs', memory='MiB for the backward pass', seconds='CPU seconds, forward')


class AttentionFusion(nn.Module):
    """Plain attention with one head and a residual; pixels look at words, or both at both.

    Args:
        joint: Whether pixels and words look at pixels and words; otherwise pixels look at words.
    """

    def __init__(self, joint: bool) -> None:
        super().__init__()
        self.joint = joint
        self.query, self.key, self.value, self.out = (nn.Linear(CHANNELS, CHANNELS) for _ in range(4))
        self.norm = nn.LayerNorm(CHANNELS)

    def forward(self, pixels: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """Fuse ``pixels`` (1, M, C) with ``text`` (1, L, C), all of whose tokens are real."""
        asking = torch.cat([pixels, text], dim=1) if self.joint else pixels
        asked = asking if self.joint else text
        logits = self.query(asking) @ self.key(asked).transpose(1, 2) * CHANNELS**-0.5
        return self.norm(asking + self.out(logits.softmax(-1) @ self.value(asked)))


def fusions() -> dict[str, nn.Module]:
    return {
        'self-attention': AttentionFusion(joint=True),
        'cross-attention': AttentionFusion(joint=False),
        "LAVT's attention": PixelWordAttention(CHANNELS, CHANNELS),
        'RaAM, 16 anchors': RegionAnchoring(CHANNELS, CHANNELS),
    }


def measure(fusion: nn.Module, side: int, length: int, repeats: int) -> dict[str, float]:
    """Return GMACs, MiB and seconds of ``fusion`` on ``side`` x ``side`` pixels and ``length`` words."""
    inputs = torch.randn(1, side**2, CHANNELS), torch.randn(1, length, CHANNELS), torch.ones(1, length).bool()
    # the counter needs tensors with gradients
    with FlopCounterMode(display=False) as counter:
        fusion(*inputs)
    kept = {}

    def keep(x: Tensor) -> Tensor:
        kept[x.untyped_storage().data_ptr()] = x
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        fusion(*inputs)
    weights = {p.untyped_storage().data_ptr() for p in fusion.parameters()}
    sizes = [x.untyped_storage().nbytes() for pointer, x in kept.items() if pointer not in weights]
    seconds = []
    with torch.no_grad():
        for _ in range(repeats):
            start = process_time()
            fusion(*inputs)
            seconds.append(process_time() - start)
    return dict(macs=counter.get_total_flops() / 2e9, memory=sum(sizes) / 2**20, seconds=min(seconds))


def winning_length(lengths: list[int], challenger: list[float], other: list[float]) -> float | None:
    """Interpolate the length from which on ``challenger`` stays below ``other``; None if it never does."""
    gaps = [a - b for a, b in zip(challenger, other, strict=True)]
    if gaps[-1] >= 0:
        return None
    last = max((i for i, gap in enumerate(gaps) if gap >= 0), default=None)
    if last is None:
        return lengths[0]
    share = gaps[last] / (gaps[last] - gaps[last + 1])
    return lengths[last] + share * (lengths[last + 1] - lengths[last])


def plot(rows: list[dict], path: Path) -> None:
    """Draw one row of axes per figure: over the length at 28 x 28 pixels, and over the side at 40 words."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(FIGURES), figsize=(13, 7), constrained_layout=True)
    for column, (key, label) in enumerate(FIGURES.items()):
        for line, (x, fixed, value) in enumerate((('length', 'side', 28), ('side', 'length', 40))):
            axis = axes[line, column]
            for name in dict.fromkeys(row['fusion'] for row in rows):
                points = [(row[x], row[key]) for row in rows if row['fusion'] == name and row[fixed] == value]
                axis.plot(*zip(*points, strict=True), marker='o', markersize=3, label=name)
            axis.set_xlabel('words (map of 28 x 28)' if x == 'length' else 'side of the map (40 words)')
            axis.set_ylabel(label)
            axis.set_yscale('log')
            axis.grid(alpha=0.3)
    axes[0, 0].legend(fontsize=8)
    figure.savefig(path, dpi=80)


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=Path('work_dirs/fusion_complexity'), help='path without suffix')
    parser.add_argument('--repeats', type=int, default=5, help='forward passes, of which the fastest counts')
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = [
        dict(fusion=name, side=side, length=length, **measure(fusion, side, length, args.repeats))
        for side in SIDES
        for length in LENGTHS
        for name, fusion in fusions().items()
    ]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.with_suffix('.json').write_text(json.dumps(rows, indent=1))
    plot(rows, args.out.with_suffix('.png'))
    print('RaAM costs less than cross-attention from this many words on:')
    print('map'.ljust(10) + ''.join(label.rjust(28) for label in FIGURES.values()))
    for side in SIDES:
        cells = []
        for key in FIGURES:
            curves = {
                name: [row[key] for row in rows if row['side'] == side and row['fusion'] == name]
                for name in ('RaAM, 16 anchors', 'cross-attention')
            }
            found = winning_length(list(LENGTHS), *curves.values())
            cells.append('never' if found is None else f'{found:.1f}')
        print(f'{side} x {side}'.ljust(10) + ''.join(cell.rjust(28) for cell in cells))


if __name__ == '__main__':
    main()
