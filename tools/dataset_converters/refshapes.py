"""Write the RefShapes data set: ``python tools/dataset_converters/refshapes.py --out data/refshapes --size small``."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from mmvg.refshapes import SIZES, WRITERS, DatasetConflictError, SceneRecord, generate
from mmvg.refshapes.expressions import KINDS
from mmvg.refshapes.recipes import SPLITS


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; ``argv`` stands in for it in tests."""
    parser = argparse.ArgumentParser(description='Write RefShapes, a drawn data set in the formats of the benchmarks.')
    parser.add_argument('--out', type=Path, default=Path('data/refshapes'), help='root folder of the data set')
    parser.add_argument('--size', choices=list(SIZES), default='small', help='tiny: tests; small: demo; full: GPU')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--formats', nargs='+', choices=list(WRITERS), default=list(WRITERS), help='all by default')
    parser.add_argument('--workers', type=int, default=None, help='processes; one per core by default')
    parser.add_argument('--force', action='store_true', help='replace a RefShapes of another size, seed or version')
    return parser.parse_args(argv)


def summarise(records: Sequence[SceneRecord], style: str) -> Table:
    """Table of images, references and sentences of one style, per split and kind."""
    sentences = {split: Counter() for split in SPLITS}
    for record in records:
        for reference in record.references[style]:
            sentences[record.split].update(sentence.kind for sentence in reference.sentences)
    table = Table(title=f'RefShapes as {style}')
    table.add_column('')
    for split in SPLITS:
        table.add_column(split, justify='right')
    rows = {
        'images': [sum(r.split == split for r in records) for split in SPLITS],
        'references': [sum(len(r.references[style]) for r in records if r.split == split) for split in SPLITS],
        'sentences': [sum(sentences[split].values()) for split in SPLITS],
    }
    for name, values in rows.items():
        table.add_row(name, *map(str, values), end_section=name == 'sentences')
    for kind in KINDS:
        counts = [sentences[split][kind] for split in SPLITS]
        if any(counts):
            shares = [
                f'{n} ({100 * n / max(total, 1):.1f} %)' for n, total in zip(counts, rows['sentences'], strict=True)
            ]
            table.add_row(kind.replace('_', ' '), *shares)
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 1 when the folder is taken."""
    args = parse_args(argv)
    console = Console()
    start = time.perf_counter()
    columns = (TextColumn('drawing'), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task('drawing', total=sum(SIZES[args.size].images.values()))
            records = generate(
                args.out,
                args.size,
                args.seed,
                formats=args.formats,
                workers=args.workers,
                force=args.force,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    except DatasetConflictError as error:
        print(error, file=sys.stderr)
        return 1
    if not records:
        console.print(f'{args.out} is complete already; nothing to do.')
        return 0
    for style in records[0].references:
        console.print(summarise(records, style))
    console.print(f'{len(records)} images in {args.out}, {time.perf_counter() - start:.0f} s')
    return 0


if __name__ == '__main__':
    sys.exit(main())
