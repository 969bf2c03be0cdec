"""Measure mmvg on a GPU: equality of mmcv's CUDA kernel, mixed precision against float32, and speed, as one table.

    python benchmarks/gpu.py --out work_dirs/gpu.md          # benchmarks/gpu.sh runs it with the tests and a training
    python benchmarks/gpu.py --device cpu --quick            # the same code in a minute, to see that it works

Speed is given as images a second and as a share of the rate of the device's own matrix product in the same run: 2
operations a multiply-accumulate, and three times the forward pass for a training step. Weights are random.
"""

import argparse
import copy
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn

from mmvg.analysis.complexity import dummy_inputs, total, true_complexity
from mmvg.apis import load_config
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample
from mmvg.uncompiled_ops import has_compiled_ops

ROOT = Path(__file__).parents[1]
SYSTEMS = ('instancevg', 'lggd', 'raam', 'cris', 'segvlm', 'lavt', 'magnet')
PRECISIONS = {'float32': None, 'bfloat16': torch.bfloat16, 'float16': torch.float16}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--device', default='cuda')
    parser.add_argument('--config', default='configs/instancevg/grefcoco.py', help='the model whose speed is measured')
    parser.add_argument('--batch-size', type=int, nargs=2, default=[16, 64], help='of a training step; of inference')
    parser.add_argument('--steps', type=int, default=10, help='timed after three that are not')
    parser.add_argument('--quick', action='store_true', help='tiny model, two steps')
    parser.add_argument('--out', help='a Markdown file for the tables')
    args = parser.parse_args()
    if args.quick:
        args.config, args.batch_size, args.steps = 'configs/instancevg/tiny.py', [2, 2], 2
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


def deformable_rows(device: str) -> list[list[str]]:
    """Compare mmcv's multi-scale deformable attention on the device with its PyTorch path."""
    from mmcv.ops.multi_scale_deform_attn import (
        MultiScaleDeformableAttnFunction,
        multi_scale_deformable_attn_pytorch,
    )

    if device == 'cpu' or not has_compiled_ops():
        return [['multi-scale deformable attention', 'no compiled CUDA op here', '']]
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
    names = ('output', 'gradient of the values', 'of the locations', 'of the weights')
    rows = [
        [f'deformable attention, {name}', f'{float((a - b).abs().max()):.1e}', f'{float(b.abs().max()):.1e}']
        for name, a, b in zip(names, *results, strict=True)
    ]
    return [*rows, ['deformable attention, PyTorch path / CUDA op in time', f'{seconds[1] / seconds[0]:.2f}', '']]


def precision_rows(device: str) -> list[list[str]]:
    """Compute the losses of the tiny models on the device in each precision, as differences from float32 on the CPU."""
    rows = []
    for system in SYSTEMS:
        model, inputs, _ = build(f'configs/{system}/tiny.py')
        model.eval()  # no dropout, the same statistics
        row = [system]
        batch, samples = batch_of(inputs, 2, 'cpu')
        expected = _losses(model, batch, samples)
        model.to(device)
        batch, samples = batch_of(inputs, 2, device)
        for precision in PRECISIONS.values():
            with autocast(device, precision):
                found = _losses(model, batch, samples)
            worst = max(abs(found[name] - value) / max(abs(value), 1e-3) for name, value in expected.items())
            row.append(f'{worst:.1e}')
        rows.append(row)
    return rows


def _losses(model: nn.Module, batch: dict, samples: list[GroundingSample]) -> dict[str, float]:
    torch.manual_seed(0)
    np.random.seed(0)
    model = copy.deepcopy(model)  # heads that hide words have a generator of their own
    return {name: float(value.detach()) for name, value in model(batch, samples, 'loss').items() if 'loss' in name}


def speed_rows(args: argparse.Namespace, rates: dict[str, float]) -> list[list[str]]:
    model, inputs, macs = build(args.config)
    model.to(args.device)
    rows = []
    for mode, size, passes in (('training step', args.batch_size[0], 3), ('inference', args.batch_size[1], 1)):
        batch, samples = batch_of(inputs, size, args.device)
        model.train(mode == 'training step')
        for name, precision in PRECISIONS.items():
            if args.device != 'cpu':
                torch.cuda.reset_peak_memory_stats()

            def step(mode=mode, precision=precision, batch=batch, samples=samples):
                if mode == 'inference':
                    with torch.no_grad(), autocast(args.device, precision):
                        return model(batch, mode='tensor')
                with autocast(args.device, precision):
                    losses = model(batch, samples, 'loss')
                sum(value for key, value in losses.items() if 'loss' in key).backward()
                model.zero_grad(set_to_none=True)
                return None

            seconds = seconds_of(step, args.steps, args.device)
            share = 2 * macs * passes * size / seconds / rates[name]
            memory = torch.cuda.max_memory_allocated() / 2**30 if args.device != 'cpu' else float('nan')
            cells = [f'{mode}, batch {size}', name, f'{size / seconds:.1f}', f'{100 * share:.1f}', f'{memory:.2f}']
            rows.append(cells)
    return rows


def markdown(heading: list[str], rows: list[list[str]]) -> str:
    lines = [heading, ['---'] * len(heading), *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def main() -> None:
    args = parse_args()
    name = torch.cuda.get_device_name() if args.device != 'cpu' else 'CPU'
    side = 256 if args.device == 'cpu' else 8192
    print(f'{name}, torch {torch.__version__}, compiled ops: {has_compiled_ops()}', flush=True)
    rates = {key: matmul_rate(args.device, dtype or torch.float32, side) for key, dtype in PRECISIONS.items()}
    tables = [
        f'{name}, torch {torch.__version__}, mmcv with compiled ops: {has_compiled_ops()}',
        markdown(['matrix product', 'TFLOP/s'], [[key, f'{rate / 1e12:.1f}'] for key, rate in rates.items()]),
        markdown(['kernel', 'largest difference', 'largest value'], deformable_rows(args.device)),
        markdown(['losses, relative to float32 on the CPU', *PRECISIONS], precision_rows(args.device)),
        markdown(
            [args.config, 'precision', 'images/s', 'percent of the matrix product', 'peak GiB'],
            speed_rows(args, rates),
        ),
    ]
    report = '\n\n'.join(tables) + '\n'
    print(report)
    if args.out:
        Path(args.out).parent.mkdir(parents=True, exist_ok=True)
        Path(args.out).write_text(report, encoding='utf-8')


if __name__ == '__main__':
    main()
