"""Measure ``mmvg score`` on many answers, or score the same answers in every way that evaluators read them.

    python benchmarks/scoring.py speed --answers 10000 100000 --processes 1 2
    python benchmarks/scoring.py choices --data data/refshapes

``speed`` writes truth and answers of pictures of 640 x 480 pixels, with a mask (RLE) and a box each, and scores them by
GRES in processes of their own: seconds of wall clock and processor, and the most memory that the process, or the
largest of several, ever held. ``choices`` prints the table of docs/scoring.md.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mmvg.masks import mask_box, polygons_to_rle

WIDTH, HEIGHT = 640, 480
_MEASURED = """
import json, resource, sys, time
from mmvg.scoring import open_truth, score_answers
started = time.perf_counter()
truth, declared = open_truth(sys.argv[1]), dict(rule='all', unit='pixel')
report = score_answers(truth, sys.argv[2], 'gres', declared, processes=int(sys.argv[3]))
usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps(dict(
    wall=time.perf_counter() - started,
    processor=sum(usage.ru_utime + usage.ru_stime for usage in usages),
    memory=max(usage.ru_maxrss for usage in usages) / 1024,
    scores=report.scores,
)))
"""


def some_masks(rng: np.random.Generator, count: int) -> list[dict]:
    """Draw RLE of three ellipses each."""
    turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    made = []
    for _ in range(count):
        polygons = []
        for _ in range(3):
            x, y = rng.uniform(0.2, 0.8, 2) * (WIDTH, HEIGHT)
            w, h = rng.uniform(20, 120, 2)
            polygons.append(np.stack([x + w * np.cos(turns), y + h * np.sin(turns)], axis=1).ravel())
        made.append(polygons_to_rle(polygons, HEIGHT, WIDTH))
    return made


def write_files(folder: Path, count: int) -> tuple[Path, Path]:
    """Write ``count`` lines of truth, every tenth without a target, and as many answers in another order."""
    rng = np.random.default_rng(0)
    masks = some_masks(rng, 300)
    boxes = [mask_box(mask) for mask in masks]
    truth, answers = folder / f'truth{count}.jsonl', folder / f'answers{count}.jsonl'
    drawn = rng.integers(0, len(masks), (count, 2))
    with truth.open('w') as file:
        for number, (place, _) in enumerate(drawn.tolist()):
            line = dict(image=f'{number // 10}.jpg', expression=f'object {number}', width=WIDTH, height=HEIGHT)
            empty = number % 10 == 0
            line |= dict(boxes=[], no_target=True) if empty else dict(boxes=[boxes[place]], masks=[masks[place]])
            file.write(json.dumps(line) + '\n')
    with answers.open('w') as file:
        for number in rng.permutation(count).tolist():
            place = drawn[number, number % 2]
            answer = dict(sent_id=number + 1, masks=[masks[place]], scores=[0.9])
            file.write(json.dumps(answer if number % 20 else dict(sent_id=number + 1, masks=[])) + '\n')
    return truth, answers


def speed(args: argparse.Namespace) -> None:
    """Print a line per size and number of processes."""
    with TemporaryDirectory() as folder:
        print(f'{"answers":>9} {"MB":>6} {"processes":>9} {"wall s":>7} {"cpu s":>7} {"us each":>8} {"MiB":>6}   gIoU')
        for count in args.answers:
            truth, answers = write_files(Path(folder), count)
            for processes in args.processes:
                command = [sys.executable, '-c', _MEASURED, str(truth), str(answers), str(processes)]
                done = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
                size = answers.stat().st_size / 1e6
                each = 1e6 * done['processor'] / count
                print(
                    f'{count:9} {size:6.0f} {processes:9} {done["wall"]:7.1f} {done["processor"]:7.1f} {each:8.0f} '
                    f'{done["memory"]:6.0f}   {done["scores"]["gres/gIoU"]!r}'
                )


def main() -> None:
    """Run the part that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(required=True)
    part = parts.add_parser('speed')
    part.add_argument('--answers', type=int, nargs='+', default=[10000, 100000])
    part.add_argument('--processes', type=int, nargs='+', default=[1, 2])
    part.set_defaults(run=speed)
    args = parser.parse_args()
    args.run(args)


if __name__ == '__main__':
    main()
