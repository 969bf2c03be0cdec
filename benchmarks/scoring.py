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
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mmvg.evaluation.functional import box_overlaps
from mmvg.masks import mask_box, polygons_to_rle
from mmvg.scoring import TruthSample, open_truth, score_answers

WIDTH, HEIGHT = 640, 480
_MEASURED = """
import json, re, resource, sys, time
from mmvg.foundation import stay_light
stay_light()
from mmvg.scoring import open_truth, score_answers
started = time.perf_counter()
truth, declared = open_truth(sys.argv[1]), dict(rule='all', unit='pixel')
report = score_answers(truth, sys.argv[2], 'gres', declared, processes=int(sys.argv[3]))
usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps(dict(
    wall=time.perf_counter() - started,
    processor=sum(usage.ru_utime + usage.ru_stime for usage in usages),
    memory=max(int(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1]), usages[1].ru_maxrss) / 1024,
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


class Model:
    """Somebody's answers to referring expressions: boxes in pixels, with scores, best or first in any order.

    Args:
        name: Of the column.
        boxes: True box (4,), boxes of all objects of the picture (N, 4), size and random numbers -> boxes and scores.
    """

    def __init__(self, name: str, boxes: Callable) -> None:
        self.name = name
        self.boxes = boxes


def perfect(true: np.ndarray, objects: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> tuple:
    """Answer with the true box."""
    return true[None], np.ones(1)


def usual(true: np.ndarray, objects: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> tuple:
    """Answer with two boxes; the better-scored is mostly near the true one, and comes first half of the time."""
    side = (true[2:] - true[:2]).min()
    near = true + rng.normal(0, 0.08 * side, 4)
    other = objects[rng.integers(len(objects))] + rng.normal(0, 0.08 * side, 4)
    right = rng.random() < 0.8
    boxes, scores = np.array([near, other]), np.array([0.9, 0.4] if right else [0.4, 0.9])
    order = rng.permutation(2)
    boxes = np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:] - 1), boxes[:, 2:]], axis=1)
    return boxes[order], scores[order]


def lists_all(true: np.ndarray, objects: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> tuple:
    """Answer with every object of the picture."""
    return rng.permutation(objects), rng.random(len(objects))


def random_boxes(true: np.ndarray, objects: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> tuple:
    """Answer with ten random boxes."""
    corners = np.sort(rng.random((10, 2, 2)), axis=1).reshape(10, 4)
    return corners * np.tile(size, 2), rng.random(10)


MODELS = [
    Model('perfect', perfect),
    Model('usual', usual),
    Model('lists all objects', lists_all),
    Model('ten random boxes', random_boxes),
]
_PIXEL = dict(unit='pixel', rule='best_scored')
#: How the same answers are read -> what is declared. Where the second is not None, they are first written so.
READINGS = [
    ('pixel, best_scored: as written', _PIXEL, None),
    ('pixel, first', dict(_PIXEL, rule='first'), None),
    ('pixels read as permille', dict(_PIXEL, unit='permille'), None),
    ('permille read as permille', dict(_PIXEL, unit='permille'), 'permille'),
    ('permille read as pixel', _PIXEL, 'permille'),
    ('x, y, width, height read as corners', dict(_PIXEL, layout='xyxy'), 'xywh'),
    ('of the padded square, read so', dict(_PIXEL, frame='padded-center'), 'padded'),
    ('of the padded square, read as original', _PIXEL, 'padded'),
]


def rewritten(box: list[float], size: tuple[int, int], form: str | None) -> list[float]:
    """Write a box in pixels in another form."""
    x1, y1, x2, y2 = box
    if form == 'permille':
        return [1000 * x1 / size[0], 1000 * y1 / size[1], 1000 * x2 / size[0], 1000 * y2 / size[1]]
    if form == 'xywh':
        return [x1, y1, x2 - x1, y2 - y1]
    if form == 'padded':
        right, down = ((max(size) - side) / 2 for side in size)
        return [x1 + right, y1 + down, x2 + right, y2 + down]
    return box


def answers_of(model: Model, truth: list[TruthSample]) -> list[tuple[TruthSample, np.ndarray, np.ndarray]]:
    """Let a model answer every expression."""
    rng = np.random.default_rng(0)
    objects: dict[str, list] = {}
    for sample in truth:
        objects.setdefault(sample.image, []).extend(sample.boxes.tolist())
    return [
        (sample, *model.boxes(sample.boxes[0], np.unique(objects[sample.image], axis=0), sample.size, rng))
        for sample in truth
    ]


def nearest_of_all(answers: list[tuple[TruthSample, np.ndarray, np.ndarray]], units: bool) -> float:
    """Count an answer as right if any of its boxes, in pixels or (``units``) in permille, is near to the truth."""
    right = 0
    for sample, boxes, _ in answers:
        tried = [boxes, boxes / 1000 * np.tile(sample.size, 2)] if units else [boxes]
        right += max(box_overlaps(boxes, sample.boxes).max() for boxes in tried) >= 0.5
    return 100 * right / len(answers)


def read_as(
    answers: list[tuple[TruthSample, np.ndarray, np.ndarray]], data: str, declared: dict, form: str | None
) -> str:
    """Write the answers of a model in a form, and score them as declared: P@0.5, or why there is none."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / 'answers.jsonl'
        with path.open('w') as file:
            for sample, boxes, scores in answers:
                written = [rewritten(box, sample.size, form) for box in boxes.tolist()]
                file.write(json.dumps(dict(sample.ids, boxes=written, scores=scores.tolist())) + '\n')
        try:
            report = score_answers(open_truth('refcoco:val', data), path, 'rec', declared)
        except ValueError as error:
            return f'error: {type(error).__name__}'
    return f'{report.scores["rec/P@0.5"]:.1f}' + (' (warned)' if report.warnings else '')


def choices(args: argparse.Namespace) -> None:
    """Print the table, as Markdown."""
    truth = list(open_truth('refcoco:val', args.data))
    answered = [answers_of(model, truth) for model in MODELS]
    print(f'| P@0.5 of {len(truth)} expressions | {" | ".join(model.name for model in MODELS)} |')
    print('| --- |' + ' ---: |' * len(MODELS))
    for name, declared, form in READINGS:
        cells = [read_as(answers, args.data, declared, form) for answers in answered]
        print(f'| {name} | {" | ".join(cells)} |', flush=True)
    for name, units in (('any box, the nearest to the truth', False), ('any box, in either unit', True)):
        print(f'| *{name}* | {" | ".join(f"{nearest_of_all(answers, units):.1f}" for answers in answered)} |')


def main() -> None:
    """Run the part that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(required=True)
    part = parts.add_parser('speed')
    part.add_argument('--answers', type=int, nargs='+', default=[10000, 100000])
    part.add_argument('--processes', type=int, nargs='+', default=[1, 2])
    part.set_defaults(run=speed)
    part = parts.add_parser('choices')
    part.add_argument('--data', default='data/refshapes', help='RefShapes in the format of RefCOCO.')
    part.set_defaults(run=choices)
    args = parser.parse_args()
    args.run(args)


if __name__ == '__main__':
    main()
