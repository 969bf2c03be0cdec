"""Measure inference and training steps of whole models, of this checkout alone or beside another one.

    python benchmarks/speed/model_steps.py instancevg-1 instancevg-4
    python benchmarks/speed/model_steps.py instancevg-step --before ../mmvg-before --repeats 5

Weights are random; pictures are noise, and sentences have 4 to 12 of the tokens that the config pads to. A pass goes
from packed samples to raw outputs, a step to the gradients of the losses. With ``--before``, a folder of mmvg as it
was, both sides run in processes of their own and take turns, so that whatever else the machine does slows both. Times
are CPU time of one thread, the fastest of all turns.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Config, batch size, and whether it is a training step.
ROWS = {
    'instancevg-1': ('configs/instancevg/grefcoco.py', 1, False),
    'instancevg-4': ('configs/instancevg/grefcoco.py', 4, False),
    'instancevg-step': ('configs/instancevg/grefcoco.py', 2, True),
    'cris-1': ('configs/cris/refcoco.py', 1, False),
    'cris-step': ('configs/cris/refcoco.py', 2, True),
    'lavt-1': ('configs/lavt/refcoco.py', 1, False),
    'segvlm-step': ('configs/segvlm/refcoco.py', 2, True),
    'magnet-1': ('configs/magnet/refcoco.py', 1, False),
    'lggd-1': ('configs/lggd/ocid_vlg_multiple.py', 1, False),
    'raam-1': ('configs/raam/grefcoco.py', 1, False),
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('rows', nargs='+', choices=ROWS, metavar='ROW', help=f'of {", ".join(ROWS)}')
    parser.add_argument('--before', type=Path, help='folder of another checkout of mmvg')
    parser.add_argument('--repeats', type=int, default=5, help='turns; the fastest counts')
    parser.add_argument('--work', action='store_true', help=argparse.SUPPRESS)
    return parser.parse_args()


def work(row: str) -> None:
    """Run one row whenever a line comes in, and write the CPU seconds that it took."""
    import torch

    torch.set_num_threads(1)
    answer = os.fdopen(os.dup(1), 'w')  # what libraries print goes elsewhere
    os.dup2(2, 1)
    config, batch_size, training = ROWS[row]
    model, data = build(config, batch_size)
    model.train(training)

    def run() -> None:
        with torch.set_grad_enabled(training):
            if not training:
                model(model.data_preprocessor(dict(data))['inputs'], mode='tensor')
                return
            losses = model(**model.data_preprocessor(dict(data), training=True), mode='loss')
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        model.zero_grad(set_to_none=True)

    run()
    print('ready', file=answer, flush=True)
    for _ in sys.stdin:
        start = time.process_time()
        run()
        print(time.process_time() - start, file=answer, flush=True)


def build(config: str, batch_size: int):
    """Build a model with random weights, and packed samples for it."""
    import torch

    from benchmarks.gpu import build, random_samples

    model, inputs, _ = build(config)
    height, width = inputs['images'].shape[-2:]
    generator = torch.Generator().manual_seed(0)
    samples = random_samples(batch_size, height, width)
    for number, sample in enumerate(samples):
        length, full = 4 + 8 * number % 9, inputs['input_ids'].shape[1]
        sample.input_ids = torch.randint(4, 90, (full,), generator=generator)
        sample.text_mask = torch.arange(full) < length
        sample.set_metainfo(dict(img_path=f'{number}.jpg'))
    images = [torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=generator) for _ in samples]
    return model, dict(inputs=images, data_samples=samples)


def start(row: str, checkout: Path) -> subprocess.Popen:
    """Start a worker on the package of ``checkout`` and wait until it is warm."""
    environment = os.environ | dict(PYTHONPATH=f'{checkout}:{ROOT}', OMP_NUM_THREADS='1', MKL_NUM_THREADS='1')
    command = [sys.executable, __file__, row, '--work']
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    worker = subprocess.Popen(command, cwd=checkout, env=environment, text=True, **pipes)
    if worker.stdout.readline().strip() != 'ready':
        raise SystemExit(f'{row} does not run in {checkout}: {" ".join(command)}')
    return worker


def turn(worker: subprocess.Popen) -> float:
    worker.stdin.write('\n')
    worker.stdin.flush()
    return float(worker.stdout.readline())


def main() -> None:
    args = parse_args()
    if args.work:
        work(args.rows[0])
        return
    sides = dict(now=ROOT) | (dict(before=args.before.resolve()) if args.before else {})
    for row in args.rows:
        workers = {side: start(row, checkout) for side, checkout in sides.items()}
        turns = {side: [] for side in sides}
        for _ in range(args.repeats):
            for side, worker in workers.items():
                turns[side].append(turn(worker))
        for worker in workers.values():
            worker.stdin.close()
            worker.wait()
        seconds = {side: min(taken) for side, taken in turns.items()}
        ratio = f', before / now {seconds["before"] / seconds["now"]:.2f}' if args.before else ''
        print(f'{row}: ' + ', '.join(f'{side} {value:.3f} s' for side, value in seconds.items()) + ratio, flush=True)


if __name__ == '__main__':
    main()
