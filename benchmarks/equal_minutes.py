"""Train every system on RefShapes for the same minutes, and write one table of all.

    python tools/dataset_converters/refshapes.py --size small
    python benchmarks/equal_minutes.py train --workers 2
    python benchmarks/equal_minutes.py table

Each run is one process of one thread without a GPU, from random weights. What a step costs is measured first, as the
processor time of 60 steps less that of 10, and the schedule is made as long as fits into the minutes; scoring the val
split at the end comes on top and is not counted. A run with Mask Grounding takes the steps of the run without it, as
in MagNet's Table 3(d), not its minutes. Finished runs are lines of benchmarks/equal_minutes.jsonl and are not run
again, so that a stopped benchmark goes on where it was; another seed takes the steps of the seed that is there, and
times of steps are kept in the work folder.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / 'benchmarks/equal_minutes.jsonl'
MINUTES = 10  # of processor time, for the training of each
MEASURING = Lock()


class System(NamedTuple):
    """A config and how it is trained fastest by one thread; ``steps_of`` names the system whose steps it takes."""

    config: str
    batch_size: int
    flags: tuple[str, ...] = ()
    steps_of: str = ''


HALF = ('--amp', '--channels-last')
SYSTEMS = {
    'LAVT': System('lavt/refshapes', 64),
    'LAVT + Mask Grounding': System('lavt/refshapes_mask_grounding', 64, steps_of='LAVT'),
    'CRIS': System('cris/refshapes', 16, HALF),
    'CRIS + Mask Grounding': System('cris/refshapes_mask_grounding', 16, HALF, steps_of='CRIS'),
    'ReLA': System('rela/refshapes', 64),
    'ReLA + Mask Grounding': System('rela/refshapes_mask_grounding', 64, steps_of='ReLA'),
    'MagNet': System('magnet/refshapes', 64),
    'SegVLM': System('segvlm/refshapes', 16, HALF),
    'RaAM-RVG': System('raam/refshapes', 32),
    'EEVG': System('eevg/refshapes', 64),
    'InstanceVG': System('instancevg/refshapes', 64, ('--amp',)),
    'SimVG': System('simvg/refshapes', 64, ('--amp',)),
    'RaAM-RVG, GRES': System('raam/refshapes_gres', 32),
    'LGGD': System('lggd/refshapes', 64, HALF),
    'CROG': System('crog/refshapes', 16, HALF),
    'GR-ConvNet + CLIP text': System('grconvnet/refshapes', 32),
    'GG-CNN + CLIP text': System('ggcnn/refshapes', 32),
}

#: Columns of the table: their names, and the keys of scores that may fill them.
COLUMNS = {
    'mIoU': ('res/mIoU', 'phrasecut/mIoU'),
    'P@0.5': ('rec/P@0.5', 'res/P@0.5', 'phrasecut/P@0.5'),
    'gIoU': ('gres/gIoU',),
    'N-acc': ('gres/N-acc', 'grec/N-acc'),
    'F1': ('grec/F1',),
    'J@1_strict': ('grasp/J@1_strict',),
}


def command(system: System, work_dir: Path, **options: object) -> list[str]:
    """Return the command that trains a system."""
    options = dict(train_batch_size=system.batch_size, **options)
    settings = [f'{key}={value}' for key, value in options.items()]
    config = str(ROOT / 'configs' / f'{system.config}.py')
    return [
        *(sys.executable, '-m', 'mmvg', 'train', config, '--work-dir', str(work_dir), *system.flags),
        *('--cfg-options', *settings),
    ]


def processor_seconds(words: list[str], log: Path) -> float:
    """Run a command with one thread and return the processor time that it took.

    Raises:
        RuntimeError: If it fails; the message names its log.
    """
    env = dict(os.environ, OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', PYTHONPATH=str(ROOT))
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('w', encoding='utf-8') as file:
        process = subprocess.Popen(words, cwd=ROOT, env=env, stdout=file, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f'{" ".join(words)} ended with {process.returncode}: see {log}')
    return usage.ru_utime + usage.ru_stime


def step_seconds(name: str, work_dir: Path) -> float:
    """Measure the processor time of a training step of a system, once."""
    file = work_dir / 'steps' / f'{name}.json'
    if not file.exists():
        seconds = [
            processor_seconds(
                command(
                    SYSTEMS[name],
                    work_dir / 'steps' / name,
                    **{'iterations': steps, 'warmup': 2, 'train_cfg.val_begin': 10_000},  # nothing is scored
                ),
                work_dir / 'steps' / f'{name}_{steps}.log',
            )
            for steps in (10, 60)
        ]
        shutil.rmtree(work_dir / 'steps' / name)
        file.write_text(json.dumps((seconds[1] - seconds[0]) / 50), encoding='utf-8')
    return json.loads(file.read_text(encoding='utf-8'))


def _steps(name: str, work_dir: Path) -> int:
    with MEASURING:  # of two runs with the same steps, the second reads what the first has measured
        known = [run['iterations'] for run in read_results() if run['system'] == name]
        return known[0] if known else round(60 * MINUTES / step_seconds(name, work_dir))


def train(name: str, seed: int, work_dir: Path) -> dict:
    """Train and score a system; return its line of the results."""
    system = SYSTEMS[name]
    steps = _steps(system.steps_of or name, work_dir)
    folder = work_dir / f'{name}, seed {seed}'
    words = command(system, folder, **{'iterations': steps, 'randomness.seed': seed})
    seconds = processor_seconds(words, work_dir / f'{name}, seed {seed}.log')
    scalars = max(folder.glob('*/vis_data/scalars.json')).read_text(encoding='utf-8').splitlines()
    scores = {key: value for key, value in json.loads(scalars[-1]).items() if key.count('/') == 1}
    return dict(
        system=name,
        config=system.config,
        seed=seed,
        minutes=MINUTES,
        batch_size=system.batch_size,
        flags=list(system.flags),
        iterations=steps,
        processor_minutes=round(seconds / 60, 1),
        scores=scores,
    )


def read_results(file: Path = RESULTS) -> list[dict]:
    """Read the lines of finished runs."""
    return [json.loads(line) for line in file.read_text(encoding='utf-8').splitlines()] if file.exists() else []


def table(results: list[dict]) -> str:
    """Write one row per system: the mean of each score over its seeds, with each seed's behind it."""
    lines = [f'| system | {" | ".join(COLUMNS)} | steps | seeds |', '| --- ' * (len(COLUMNS) + 3) + '|']
    for name in SYSTEMS:
        runs = sorted((run for run in results if run['system'] == name), key=lambda run: run['seed'])
        if runs:
            cells = [_cell(runs, keys) for keys in COLUMNS.values()]
            lines.append(f'| {name} | {" | ".join(cells)} | {runs[0]["iterations"]:,} | {len(runs)} |')
    return '\n'.join(lines)


def _cell(runs: list[dict], keys: tuple[str, ...]) -> str:
    key = next((key for key in keys if key in runs[0]['scores']), None)
    if key is None:
        return ''
    values = [run['scores'][key] for run in runs]
    if len(values) == 1:
        return f'{values[0]:.1f}'
    return f'{np.mean(values):.1f} ({", ".join(f"{value:.1f}" for value in values)})'


def _open_runs(names: list[str], seeds: list[int]) -> Iterator[tuple[str, int]]:
    done = {(run['system'], run['seed']) for run in read_results()}
    yield from ((name, seed) for seed in seeds for name in names if (name, seed) not in done)


def main() -> None:
    """Train what has no result yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=('train', 'table'))
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1])
    parser.add_argument('--systems', nargs='+', choices=SYSTEMS, default=list(SYSTEMS), metavar='SYSTEM')
    parser.add_argument('--workers', type=int, default=1, help='trainings at a time, one core each')
    parser.add_argument('--work-dir', type=Path, default=ROOT / 'work_dirs/equal_minutes')
    args = parser.parse_args()
    if args.what == 'table':
        print(table(read_results()))
        return

    def run(task: tuple[str, int]) -> None:
        result = train(*task, args.work_dir)
        with RESULTS.open('a', encoding='utf-8') as file:
            file.write(json.dumps(result) + '\n')
        print(json.dumps(result), flush=True)

    with ThreadPoolExecutor(args.workers) as pool:
        list(pool.map(run, _open_runs(args.systems, args.seeds)))


if __name__ == '__main__':
    main()
