"""Compare PhraseCut in files and in LMDB: seconds to open it, and images per second that leave ``LoadImage``.

    python benchmarks/phrasecut_lmdb.py data/refshapes --split train

Both readings, in random order, once with nothing of the files in the memory of the system (Linux is asked to forget
them, which works on a local disk only) and once with all of it. Packs into a temporary file.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from mmvg.datasets import PhraseCutDataset
from mmvg.datasets.readers import write_phrasecut_lmdb
from mmvg.datasets.transforms import LoadImage


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', help='the data root, which has the folder VGPhraseCut_v0')
    parser.add_argument('--split', default='train')
    parser.add_argument('--samples', type=int, default=4000)
    parser.add_argument('--folder', help='where the packed file goes; by default the temporary folder')
    return parser.parse_args()


def forget(files: list[Path]) -> None:
    """Ask the system to drop the files from its memory."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def images_per_second(dataset: PhraseCutDataset, order: np.ndarray) -> float:
    load = LoadImage()
    start = time.perf_counter()
    for index in order:
        load(dataset.get_data_info(int(index)))
    return len(order) / (time.perf_counter() - start)


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        packed = Path(folder) / 'packed.lmdb'
        files = PhraseCutDataset(args.split, data_root=args.root, mode='tolerant')
        start = time.perf_counter()
        tasks, images = write_phrasecut_lmdb(
            packed, args.split, files.task_files, files.files['images'], files.image_folder
        )
        took, size = time.perf_counter() - start, packed.stat().st_size / 2**20
        print(f'packed {tasks} tasks and {images} images into {size:.1f} MiB in {took:.1f} s')
        plain = sorted({Path(files.get_data_info(i)['img_path']) for i in range(len(files))})
        order = np.random.default_rng(0).permutation(len(files))[: args.samples]
        for name, lmdb_file in (('files', None), ('lmdb', str(packed))):
            start = time.perf_counter()
            dataset = PhraseCutDataset(args.split, data_root=args.root, lmdb_file=lmdb_file, mode='tolerant')
            opened = time.perf_counter() - start
            forget([*plain, packed])
            cold = images_per_second(dataset, order)
            warm = max(images_per_second(dataset, order) for _ in range(3))
            print(f'{name:6} opened in {opened:5.1f} s; images per second: {cold:6.0f} cold, {warm:6.0f} warm')


if __name__ == '__main__':
    main()
