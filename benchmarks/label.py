"""``mmvg label``: pictures a second with 1 and 2 workers, memory against the number of pictures, the same bytes.

    python benchmarks/label.py [--model instancevg_refshapes] [--pictures 400] [--names 100000]

Lists ``--names`` empty files of one folder; then labels drawn scenes of RefShapes with one sentence. Rates begin when
the first shards are there, so without the loading of models; on a machine that does other things, too, the processor
time of the workers counts. Memory is that of the processes, whenever a shard is done. With the defaults it takes some
three minutes of two free cores.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from mmvg.labelling.entries import list_entries
from mmvg.labelling.run_folder import begin
from mmvg.refshapes import draw_scene, sample_scene

SHARD = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--model', default='instancevg_refshapes')
    parser.add_argument('--pictures', type=int, default=400)
    parser.add_argument('--names', type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='mmvg_label_') as folder:
        root = Path(folder)
        print(*list_names(root / 'names', options.names), flush=True)
        draw(root / 'scenes', options.pictures)
        shards = []
        for workers in (1, 2):
            times, cpu, memory = watch(root / 'scenes', root / f'out{workers}', options.model, workers)
            first, counted = workers - 1, options.pictures - SHARD * workers
            rate, each = counted / (times[-1] - times[first]), 1000 * (cpu[-1] - cpu[first]) / counted
            print(f'{workers} workers: {rate:.1f} pictures a second, {each:.0f} ms of processor time each', flush=True)
            for name, values in memory.items():
                early, late = (np.mean(values[int(share * len(values)) :][:3]) for share in (0.25, 0.95))
                print(
                    f'  {name}: {early:.1f} MB after a quarter of {options.pictures}, {late:.1f} MB at the end',
                    flush=True,
                )
            shards.append({file.name: file.read_bytes() for file in (root / f'out{workers}').rglob('shard-*')})
        print(f'the same bytes: {shards[0] == shards[1]}')


def draw(folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        scene = draw_scene(sample_scene(np.random.default_rng(number % 50))).image[..., ::-1]
        Image.fromarray(np.ascontiguousarray(scene)).save(folder / f'{number:05d}.jpg', quality=90)


def watch(source: Path, out: Path, model: str, workers: int) -> tuple[list[float], list[float], dict[str, list[float]]]:
    """Label; returns when each shard was done, the processor time of the workers by then, and the memory (MB)."""
    words = [source, 'the red ring', '--out', out, '--model', model, '--workers', workers, '--shard-size', SHARD]
    main_process = psutil.Popen([sys.executable, '-m', 'mmvg', 'label', *map(str, words)], stderr=subprocess.DEVNULL)
    times, cpu, memory, done, spent = [], [], defaultdict(list), 0, {}
    while main_process.poll() is None:
        time.sleep(0.05)
        now = len(list(out.glob('done/shard-*.json')))
        try:
            children = [child for child in main_process.children() if 'spawn_main' in ' '.join(child.cmdline())]
            spent |= {child.pid: sum(child.cpu_times()[:2]) for child in children}
            if now > done:
                memory['main process'].append(main_process.memory_info().rss / 1e6)
                memory['worker'].append(children[0].memory_info().rss / 1e6)
        except (psutil.Error, IndexError):
            pass
        times += [time.monotonic()] * (now - done)
        cpu += [sum(spent.values())] * (now - done)
        done = now
    left = len(list(out.glob('done/shard-*.json'))) - done  # of the last moment
    return times + [time.monotonic()] * left, cpu + [sum(spent.values())] * left, memory


def list_names(folder: Path, count: int) -> tuple[str, ...]:
    folder.mkdir()
    for number in range(count):
        (folder / f'{number:08d}.jpg').touch()
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    run = begin(folder.parent / 'listed', dict(shard_size=1000), lambda: list_entries(str(folder), False))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
    first = json.dumps(run.entries(len(run) - 1)[-1].image)
    return (
        f'{run.pictures} names listed in {time.process_time() - start:.1f} s CPU;',
        f'{grown:.0f} MB more; last',
        first,
    )


if __name__ == '__main__':
    main()
