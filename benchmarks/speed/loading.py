"""Time the reading of a data set of gRefCOCO's size, or a part of it, and measure the memory of loader workers.

    python benchmarks/speed/loading.py [--before CHECKOUT]
    python benchmarks/speed/loading.py memory [--expressions 260000]

The files are drawn: 13 expressions a picture, ten objects with polygons of 30 corners, refs with none, one or two
targets. Pictures are not read. ``memory`` prints the time until four workers have given their first items, by the wall
clock and of the processor (the main process alone), and what the process and its workers hold together (proportional
set size, so that shared pages count once).
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from harness import Pieces, main

from mmvg.datasets import GRefCOCODataset

PART = 26_000


def write_files(root: Path, expressions: int) -> None:
    """Write ``grefs(unc).json`` and ``instances.json`` of one training split."""
    rng = np.random.default_rng(0)
    turns = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    images, annotations, refs = [], [], []
    for number in range(-(-expressions // 13)):
        images.append(dict(id=number, file_name=f'COCO_train2014_{number:012}.jpg', height=480, width=640))
        for place in range(10):
            x, y, w, h = rng.uniform((10, 10, 20, 20), (400, 300, 200, 150)).round(2).tolist()
            outline = np.stack([x + w / 2 * (1 + np.cos(turns)), y + h / 2 * (1 + np.sin(turns))], axis=1)
            annotations.append(
                dict(
                    id=10 * number + place,
                    image_id=number,
                    category_id=1 + place % 4,
                    iscrowd=0,
                    area=w * h,
                    bbox=[x, y, w, h],
                    segmentation=[outline.round(2).ravel().tolist()],
                )
            )
        for place in range(min(13, expressions - 13 * number)):
            sentence = dict(
                sent_id=13 * number + place, raw=f'The man on the left of {place} chairs', tokens=['the', 'man']
            )
            sentence['sent'] = sentence['raw'].lower()
            targets = [[-1], [10 * number + place % 10], [10 * number + place % 9, 10 * number + 9]][place % 3]
            refs.append(
                dict(
                    ref_id=13 * number + place,
                    image_id=number,
                    ann_id=targets,
                    split='train',
                    sentences=[sentence],
                    file_name=f'COCO_train2014_{number:012}_{place}.jpg',
                    no_target=targets == [-1],
                )
            )
    for folder in ('grefcoco', 'images/train2014'):
        (root / folder).mkdir(parents=True)
    (root / 'images/train2014/none.jpg').touch()  # a folder without a file is asked for
    (root / 'grefcoco/instances.json').write_text(json.dumps(dict(images=images, annotations=annotations)))
    (root / 'grefcoco/grefs(unc).json').write_text(json.dumps(refs))


def ours() -> Pieces:
    """Write a tenth of gRefCOCO and prepare to read it."""
    folder = TemporaryDirectory()
    write_files(Path(folder.name), PART)

    def read() -> int:
        return len(GRefCOCODataset('train', data_root=folder.name))

    read.folder = folder  # removed when the piece is
    return {f'reading {PART} expressions': read}


class Given(GRefCOCODataset):
    """Items without pictures."""

    def prepare_data(self, idx: int) -> tuple[int, int]:
        """Read an item, and return little of it."""
        item = self.get_data_info(idx)
        return item['ref_id'], len(item['instances'])


def memory(expressions: int) -> None:
    """Print time and memory of a data set behind four workers."""
    from torch.utils.data import DataLoader

    with TemporaryDirectory() as folder:
        write_files(Path(folder), expressions)
        if (child := os.fork()) == 0:  # what drawing the files took does not count
            start, begun = time.perf_counter(), time.process_time()
            dataset = Given('train', data_root=folder)
            read, spent = time.perf_counter() - start, time.process_time()
            batches = iter(DataLoader(dataset, batch_size=16, num_workers=4, shuffle=True))
            for _ in range(8):
                next(batches)
            ready, all_spent = time.perf_counter() - start, time.process_time()
            held = sum(map(proportional, [os.getpid(), *(worker.pid for worker in batches._workers)]))
            print(
                f'{len(dataset)} expressions: read in {read:.1f} s ({spent - begun:.1f} s of processor time), first '
                f'items after {ready:.1f} s ({all_spent - begun:.1f} s), {held:.2f} GB held'
            )
            for _ in range(2500):
                next(batches)
            held = sum(map(proportional, [os.getpid(), *(worker.pid for worker in batches._workers)]))
            print(f'after 40,000 reads: {held:.2f} GB held')
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)


def proportional(pid: int) -> float:
    """Return the proportional set size of a process in GB."""
    lines = Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith('Pss:')) / 1e6


if __name__ == '__main__':
    if 'memory' in sys.argv[1:2]:
        parser = argparse.ArgumentParser()
        parser.add_argument('--expressions', type=int, default=260_000)
        memory(parser.parse_args(sys.argv[2:]).expressions)
    else:
        main(__doc__, ours)
