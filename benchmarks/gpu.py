"""Measure mmvg on a GPU as one table: equality of kernels, precisions and compiled code, speed, memory, a training.

    python benchmarks/gpu.py --out work_dirs/gpu.md          # benchmarks/gpu.sh runs it with the tests and a training
    python benchmarks/gpu.py --device cpu --quick            # the same code in a minute, to see that it works
    python benchmarks/gpu.py --training work_dirs/gpu/train --out work_dirs/gpu.md   # appends what a training logged

Speed is given as images a second and as a share of the rate of the device's own matrix product in the same run: 2
operations a multiply-accumulate, and three times the forward pass for a training step. Weights are random. The exit
code is 1 if something differs by more than it may.
"""

import argparse
import copy
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn

from mmvg.analysis.complexity import dummy_inputs, total, true_complexity
from mmvg.analysis.curves import read_curves
from mmvg.apis import load_config
from mmvg.engine.modes import compile_parts
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample
from mmvg.uncompiled_ops import has_compiled_ops

ROOT = Path(__file__).parents[1]
SYSTEMS = ('instancevg', 'lggd', 'raam', 'rela', 'cris', 'segvlm', 'lavt', 'magnet', 'simvg', 'eevg')
PRECISIONS = {'float32': None, 'bfloat16': torch.bfloat16, 'float16': torch.float16}
#: By how much losses, and raw outputs of random weights, may differ from float32 on the CPU, of the largest value.
MOST = {
    'losses': {'float32': 1e-3, 'bfloat16': 5e-2, 'float16': 1e-2, 'compiled': 1e-3},
    'outputs': {'float32': 1e-3, 'bfloat16': 2e-1, 'float16': 3e-2, 'compiled': 1e-3},
}
MOST_OF_KERNELS = 1e-4
#: Percent of the matrix product that bfloat16 is meant to reach.
GOALS = {'training step': 40, 'inference': 55}


@dataclass
class Row:
    """A line of the table: what was measured, how, and what it may or should be."""

    measure: str
    setting: str
    value: float | str
    most: float | None = None
    goal: float | None = None

    def cells(self) -> list[str]:
        """Measure, setting, value, what it is held against, and how that went."""
        value = self.value if isinstance(self.value, str) else f'{self.value:.3g}'
        if self.most is not None:
            return [self.measure, self.setting, value, f'at most {self.most:g}', 'no' if self.failed else 'yes']
        if self.goal is not None:
            return [
                self.measure,
                self.setting,
                value,
                f'goal {self.goal:g}',
                'yes' if self.value >= self.goal else 'no',
            ]
        return [self.measure, self.setting, value, '', '']

    @property
    def failed(self) -> bool:
        """Whether it differs by more than it may; NaN does."""
        return self.most is not None and not self.value <= self.most


class Clock:
    """Says whether there is time for something more."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def has(self, seconds: float) -> bool:
        return time.monotonic() + seconds < self.end


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--device', default='cuda')
    parser.add_argument('--config', default='configs/instancevg/grefcoco.py', help='the model whose speed is measured')
    parser.add_argument('--batch-size', type=int, nargs=2, default=[16, 64], help='of a training step; of inference')
    parser.add_argument('--steps', type=int, default=10, help='timed after three that are not')
    parser.add_argument('--systems', nargs='+', choices=SYSTEMS, default=SYSTEMS, help='whose precision is compared')
    parser.add_argument('--backend', help='of torch.compile; default: inductor, or aot_eager on a CPU')
    parser.add_argument('--seconds', type=float, default=180, help='after which nothing more is compiled')
    parser.add_argument('--quick', action='store_true', help='tiny model, two steps')
    parser.add_argument('--training', help='a work dir: append what was logged there to --out, and measure nothing')
    parser.add_argument('--out', help='a Markdown file for the table')
    args = parser.parse_args(argv)
    if args.quick:
        args.config, args.batch_size, args.steps = 'configs/instancevg/tiny.py', [2, 2], 2
    args.backend = args.backend or ('aot_eager' if args.device == 'cpu' else 'inductor')
    return args


def random_samples(batch_size: int, height: int, width: int) -> list[GroundingSample]:
    """Make samples with one target, the upper left quarter, and a grasp in its middle."""
    mask = np.zeros((1, height, width), np.uint8)
    mask[:, : height // 2, : width // 2] = 1
    generator = torch.Generator().manual_seed(2)
    samples = []
    for _ in range(batch_size):
        sample = GroundingSample(
            gt_instances=InstanceData(
                bboxes=torch.tensor([[0.0, 0.0, width / 2, height / 2]]),
                labels=torch.zeros(1, dtype=torch.long),
                masks=BitmapMasks(mask, height, width),
            ),
            gt_sem_seg=PixelData(sem_seg=torch.from_numpy(mask)),
            gt_grasp_maps=PixelData(
                maps=torch.rand((4, height, width), generator=generator), painted=torch.from_numpy(mask).bool()
            ),
        )
        sample.no_target = False
        sample.set_metainfo(
            dict(
                img_shape=(height, width), ori_shape=(height, width), gt_frame='input', scale_factor=(1.0, 1.0),
                homography_matrix=np.eye(3, dtype=np.float32),
            )
        )  # fmt: skip
        samples.append(sample)
    return samples


def build(config: str) -> tuple[nn.Module, dict[str, Tensor], int]:
    """Build a model with random weights and inputs for one image, and count its multiply-accumulates."""
    cfg = load_config(str(ROOT / config))
    for part in _dicts(cfg.model):
        if 'checkpoint' in part:
            part['checkpoint'] = None
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    inputs = dummy_inputs(cfg)
    macs = total(true_complexity(model, inputs)).macs
    return model, inputs, macs


def _dicts(value: object) -> Iterator[dict]:
    if isinstance(value, dict):
        yield value
        for entry in value.values():
            yield from _dicts(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _dicts(entry)


def batch_of(inputs: dict[str, Tensor], size: int, device: str) -> tuple[dict[str, Tensor], list[GroundingSample]]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn((size, *inputs['images'].shape[1:]), generator=generator)
    ids = torch.randint(4, 90, (size, inputs['input_ids'].shape[1]), generator=generator)
    batch = dict(images=images, input_ids=ids, text_mask=torch.ones_like(ids, dtype=torch.bool))
    samples = random_samples(size, *images.shape[-2:])
    return {name: value.to(device) for name, value in batch.items()}, samples


def autocast(device: str, precision: torch.dtype | None):
    return nullcontext() if precision is None else torch.autocast(device.split(':')[0], precision)


def seconds_of(step: Callable[[], object], steps: int, device: str) -> float:
    """Return the median seconds of ``step``, with the device waited for, after three warm-up calls."""
    taken = []
    for number in range(steps + 3):
        start = time.perf_counter()
        step()
        if device != 'cpu':
            torch.cuda.synchronize()
        if number >= 3:
            taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def matmul_rate(device: str, dtype: torch.dtype, side: int) -> float:
    """Return the operations a second of a square matrix product."""
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / seconds_of(lambda: a @ b, 10, device)


def deformable_rows(device: str) -> list[Row]:
    """Compare mmcv's multi-scale deformable attention on the device with its PyTorch path."""
    from mmcv.ops.multi_scale_deform_attn import (
        MultiScaleDeformableAttnFunction,
        multi_scale_deformable_attn_pytorch,
    )

    name = 'deformable attention, CUDA op against PyTorch'
    if device == 'cpu' or not has_compiled_ops():
        return [Row(name, 'output', 'no compiled CUDA op here')]
    generator = torch.Generator().manual_seed(0)
    shapes = torch.tensor([[40, 40], [20, 20], [10, 10], [5, 5]])
    starts = torch.cat([shapes.new_zeros(1), shapes.prod(1).cumsum(0)[:-1]])
    cells = int(shapes.prod(1).sum())
    value = torch.randn((16, cells, 8, 32), generator=generator).to(device).requires_grad_()
    locations = torch.rand((16, 10, 8, 4, 4, 2), generator=generator).to(device).requires_grad_()
    weights = torch.rand((16, 10, 8, 16), generator=generator).softmax(-1).unflatten(-1, (4, 4)).to(device)
    weights.requires_grad_()
    results, seconds = [], []
    for function in (
        lambda: MultiScaleDeformableAttnFunction.apply(
            value, shapes.to(device), starts.to(device), locations, weights, 64
        ),
        lambda: multi_scale_deformable_attn_pytorch(value, shapes.to(device), locations, weights),
    ):
        out = function()
        grads = torch.autograd.grad(out.square().sum(), (value, locations, weights))
        results.append((out, *grads))
        seconds.append(seconds_of(lambda f=function: f().sum().backward(), 10, device))
    names = ('output', 'gradient of the values', 'gradient of the locations', 'gradient of the weights')
    rows = [Row(name, part, _difference(a, b), MOST_OF_KERNELS) for part, a, b in zip(names, *results, strict=True)]
    return [*rows, Row(name, 'times as fast', seconds[1] / seconds[0])]


def precision_rows(args: argparse.Namespace, clock: Clock) -> list[Row]:
    """Compare losses and outputs of the tiny models on the device, in each precision and compiled, with the CPU's."""
    rows = []
    for system in args.systems:
        model, inputs, _ = build(f'configs/{system}/tiny.py')
        model.eval()  # no dropout, the same statistics
        expected = _answers(model, inputs, 'cpu', None)
        model.to(args.device)
        settings = dict(PRECISIONS)
        if clock.has(60):
            settings['compiled'] = None
        for name, precision in settings.items():
            if name == 'compiled':
                compile_parts(model, dict(backend=args.backend))
            for kind, found in _answers(model, inputs, args.device, precision).items():
                worst = max(_difference(found[key], value) for key, value in expected[kind].items())
                rows.append(Row(f'{kind} of {system}, relative to float32 on the CPU', name, worst, MOST[kind][name]))
    return rows


def _answers(
    model: nn.Module, inputs: dict[str, Tensor], device: str, precision: torch.dtype | None
) -> dict[str, dict[str, Tensor]]:
    """Losses and raw outputs of a batch of two, by name, in float32 on the CPU."""
    batch, samples = batch_of(inputs, 2, device)
    with autocast(device, precision):
        losses = _losses(model, batch, samples)
        with torch.no_grad():
            raw = model(batch, mode='tensor')
    outputs = {name: value for name, value in raw.items() if isinstance(value, Tensor) and value.is_floating_point()}
    return dict(losses=losses, outputs={name: value.detach().float().cpu() for name, value in outputs.items()})


def _difference(found: Tensor, expected: Tensor) -> float:
    """The largest difference, as a share of the largest value."""
    found, expected = (value.detach().float().cpu() for value in (found, expected))
    return float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-3))


def _losses(model: nn.Module, batch: dict, samples: list[GroundingSample]) -> dict[str, Tensor]:
    torch.manual_seed(0)
    np.random.seed(0)
    model = copy.deepcopy(model)  # heads that hide words have a generator of their own
    return {name: value.detach() for name, value in model(batch, samples, 'loss').items() if 'loss' in name}


def speed_rows(args: argparse.Namespace, rates: dict[str, float], clock: Clock) -> list[Row]:
    """Measure steps and answers of the model in each precision, and in bfloat16 compiled where there is time."""
    model, inputs, macs = build(args.config)
    model.to(args.device)
    rows = []
    for compiled in (False, True):
        if compiled and not clock.has(60):
            return [*rows, Row(f'{args.config}, compiled', 'bfloat16', 'no time was left')]
        if compiled:
            compile_parts(model, dict(backend=args.backend))
        for mode, size, passes in (('training step', args.batch_size[0], 3), ('inference', args.batch_size[1], 1)):
            batch, samples = batch_of(inputs, size, args.device)
            model.train(mode == 'training step')
            for name in ('bfloat16',) if compiled else PRECISIONS:
                step = _step(model, mode, batch, samples, args.device, PRECISIONS[name])
                if args.device != 'cpu':
                    torch.cuda.reset_peak_memory_stats()
                seconds = seconds_of(step, args.steps, args.device)
                what = f'{args.config}, {mode}, batch {size}{", compiled" if compiled else ""}'
                share = 100 * 2 * macs * passes * size / seconds / rates[name]
                goal = GOALS[mode] if name == 'bfloat16' and args.device != 'cpu' else None
                rows.append(Row(f'{what}: images/s', name, size / seconds))
                rows.append(Row(f'{what}: percent of the matrix product', name, share, goal=goal))
                if args.device != 'cpu':
                    rows.append(Row(f'{what}: peak GiB', name, torch.cuda.max_memory_allocated() / 2**30))
    return rows


def _step(
    model: nn.Module,
    mode: str,
    batch: dict[str, Tensor],
    samples: list[GroundingSample],
    device: str,
    precision: torch.dtype | None,
) -> Callable[[], None]:
    """Function: one training step without the optimizer, or one answer."""

    def train() -> None:
        with autocast(device, precision):
            losses = model(batch, samples, 'loss')
        sum(value for key, value in losses.items() if 'loss' in key).backward()
        model.zero_grad(set_to_none=True)

    def answer() -> None:
        with torch.no_grad(), autocast(device, precision):
            model(batch, mode='tensor')

    return train if mode == 'training step' else answer


def training_rows(work_dir: str) -> list[Row]:
    """What a training has logged: how far and how fast it went, and its first and last loss and scores."""
    curves = read_curves(work_dir)
    iterations, losses = curves['loss']
    rows = [
        Row('training on RefShapes', 'iterations', str(iterations[-1])),
        Row('training on RefShapes', 'seconds an iteration', float(np.median(curves['time'][1]))),
        Row('training on RefShapes', 'first loss', losses[0]),
        Row('training on RefShapes', 'last loss', losses[-1], losses[0]),
    ]
    scores = [name for name in curves if name.endswith(('gIoU', 'cIoU', '/F1'))]
    return [*rows, *(Row('training on RefShapes', f'last {name}', curves[name][1][-1]) for name in scores)]


def markdown(rows: list[list[str]]) -> str:
    return ''.join('| ' + ' | '.join(line) + ' |\n' for line in rows)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    if args.training:
        rows, lines = training_rows(args.training), []
    else:
        clock = Clock(args.seconds)
        name = torch.cuda.get_device_name() if args.device != 'cpu' else 'CPU'
        title = f'{name}, torch {torch.__version__}, mmcv with compiled ops: {has_compiled_ops()}'
        print(title, flush=True)
        side = 256 if args.device == 'cpu' else 8192
        rates = {key: matmul_rate(args.device, dtype or torch.float32, side) for key, dtype in PRECISIONS.items()}
        rows = [Row('matrix product: TFLOP/s', key, rate / 1e12) for key, rate in rates.items()]
        rows += deformable_rows(args.device)
        rows += speed_rows(args, rates, clock)
        rows += precision_rows(args, clock)
        lines = [['measure', 'setting', 'value', 'held against', 'met'], ['---'] * 5]
        title += '\n\n'
    table = markdown([*lines, *(row.cells() for row in rows)])
    report = table if args.training else title + table
    print(report)
    if args.out:
        Path(args.out).parent.mkdir(parents=True, exist_ok=True)
        with open(args.out, 'a' if args.training else 'w', encoding='utf-8') as file:
            file.write(report)
    return int(any(row.failed for row in rows))


if __name__ == '__main__':
    raise SystemExit(main())
