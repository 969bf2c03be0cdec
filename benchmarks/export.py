"""Time exported forms of a model against the model itself: CPU time of one thread, in one run.

    python benchmarks/export.py instancevg/grefcoco --batch 1 4

Random weights. In each round every form answers the same inputs once, up to its raw outputs; the fastest round counts.
"""

import argparse
import gc
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from mmvg.apis import load_config, run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='of a model that is exported whole')
    parser.add_argument('--batch', type=int, nargs='+', default=[1, 4])
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--int8', action='store_true', help='whole numbers of 8 bits too')
    parser.add_argument('--keep', type=Path, help='write the graph there and keep it, or take the one that is there')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    cfg = load_config(args.config)
    from mmvg.analysis.complexity import dummy_inputs
    from mmvg.registry import MODELS

    if 'checkpoint' in cfg.model.backbone:
        cfg.model.backbone.checkpoint = None
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    draws = {count: _draw(dummy_inputs(cfg), count) for count in {2, *args.batch}}
    with TemporaryDirectory() as place:
        folder = args.keep or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        forms = _open(model, draws[2], folder, args.int8)
        forms['eager'] = lambda inputs: _eager(model, inputs)
        print(f'{args.config}: CPU milliseconds of one thread per batch, fastest of {args.rounds} rounds')
        for count in args.batch:
            _compare(forms, draws[count], count, args.rounds)


def _draw(inputs: dict, count: int) -> dict[str, np.ndarray]:
    length = inputs['input_ids'].shape[1]
    generator = np.random.default_rng(count)
    text_mask = np.ones((count, length), bool)
    text_mask[:, 12:] = False
    return dict(
        images=generator.standard_normal((count, *inputs['images'].shape[1:]), np.float32),
        input_ids=generator.integers(5, 90, (count, length)),
        text_mask=text_mask,
    )


def _open(model: torch.nn.Module, inputs: dict[str, np.ndarray], folder: Path, int8: bool) -> dict[str, Callable]:
    from mmvg.export.graphs import trace, write_graph
    from mmvg.export.int8 import quantize
    from mmvg.export.parts import split_model
    from mmvg.export.runtimes import OnnxRuntime, OpenVINORuntime

    part = split_model(model, None)['whole']
    program, outputs = trace(part, {name: torch.from_numpy(array) for name, array in inputs.items()})
    files = dict(float32=folder / 'whole.onnx')
    written = write_graph(program, part, outputs, files['float32'])
    del program, outputs
    gc.collect()
    if int8:
        files['int8'] = folder / 'int8.onnx'
        files['int8'].write_bytes(files['float32'].read_bytes())
        quantize(files['int8'], [inputs])
    libraries = dict(onnxruntime=OnnxRuntime, openvino=OpenVINORuntime)
    return {
        f'{name} {precision}': library(written, file, 'cpu', 1)
        for precision, file in files.items()
        for name, library in libraries.items()
    }


@torch.no_grad()
def _eager(model: torch.nn.Module, inputs: dict[str, np.ndarray]) -> dict:
    # as the preprocessor does, without padding that all texts have
    length = int(inputs['text_mask'].any(0).sum())
    given = {name: torch.from_numpy(array) for name, array in inputs.items()}
    given |= {name: given[name][:, :length] for name in ('input_ids', 'text_mask')}
    return model(given, mode='tensor')


def _compare(forms: dict[str, Callable], inputs: dict[str, np.ndarray], count: int, rounds: int) -> None:
    expected = {name: value.numpy() for name, value in _eager_outputs(forms, inputs).items()}
    seconds = dict.fromkeys(forms, float('inf'))
    for number in range(rounds + 1):
        for name, form in forms.items():
            start = time.process_time()
            outputs = form(inputs)
            if number:  # the first round warms up
                seconds[name] = min(seconds[name], time.process_time() - start)
            elif name != 'eager':
                apart = max(float(np.abs(outputs[key] - value).max()) for key, value in expected.items())
                print(f'  {name}: outputs at most {apart:.2g} apart')
    for name, value in seconds.items():
        print(f'batch {count}  {name:22} {1000 * value:8.1f}  {seconds["eager"] / value:.2f} times as fast as eager')


def _eager_outputs(forms: dict[str, Callable], inputs: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in forms['eager'](inputs).items() if isinstance(value, torch.Tensor)}


if __name__ == '__main__':
    run_command(main)
