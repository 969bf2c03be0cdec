"""``mmvg data``: check, convert, pack, draw and browse data."""

import os.path as osp
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from mmvg.cli.arguments import CfgOptions, ConfigArgument, parse_options


class Split(str, Enum):
    """A dataloader of a config."""

    train = 'train'
    val = 'val'
    test = 'test'


def check(
    target: Annotated[str, typer.Argument(help='A data root, a .jsonl file, or a config.')],
    images: Annotated[
        str | None, typer.Option(metavar='DIR', help='Image folder below the root; the usual ones are found.')
    ] = None,
    headers_only: Annotated[
        bool, typer.Option('--headers-only', help='Do not decode the pixels of the images.')
    ] = False,
    released: Annotated[
        bool, typer.Option('--released', help='Compare the counts with those of the released files.')
    ] = False,
    outside_images: Annotated[
        bool, typer.Option('--outside-images', help='JSON lines may name images out of the image folder.')
    ] = False,
    most: Annotated[int, typer.Option(metavar='N', help='Findings to print; all are counted.')] = 40,
) -> None:
    """Find everything that is wrong with data.

    The exit code is 1 if there is something: mmvg data check data/refshapes
    """
    from rich.console import Console

    from mmvg.apis import load_config
    from mmvg.data_check import check_config_data, check_folder, compare_with_released
    from mmvg.data_check.table import counts_table, findings_table

    console = Console(width=None if sys.stdout.isatty() else 160)
    with console.status('checking') as status:
        if target.endswith('.py'):
            result = check_config_data(load_config(target), not headers_only, status.update)
        else:
            result = check_folder(target, images, not headers_only, status.update, outside_images=outside_images)
    if released:
        compare_with_released(result.counts, result.report)
    if result.counts:
        console.print(counts_table(result.counts))
    if result.report.findings:
        console.print(findings_table(result.report.findings, most))
    errors, notes = len(result.report.errors), len(result.report.findings) - len(result.report.errors)
    console.print(f'{errors} errors, {notes} notes')
    raise typer.Exit(1 if errors else 0)


def convert(
    source: Annotated[str, typer.Argument(help='A config, whose dataloaders are read, or a .jsonl file.')],
    out: Annotated[Path, typer.Option(help='A .jsonl file, or a folder for gRefCOCO files.')],
    splits: Annotated[
        list[str] | None,
        typer.Option(metavar='SPLIT...', help='Of a .jsonl: its splits, by default train, val and test.'),
    ] = None,
    images: Annotated[str, typer.Option(metavar='DIR', help='Of a .jsonl: image folder beside it.')] = 'images',
) -> None:
    """Convert data to JSON lines, or these to gRefCOCO files."""
    if source.endswith('.py'):
        _config_to_json_lines(source, out)
    else:
        _json_lines_to_grefcoco(Path(source), out, splits, images)


def _config_to_json_lines(source: str, out: Path) -> None:
    from mmengine.registry import init_default_scope

    from mmvg.apis import load_config
    from mmvg.datasets.writers import write_json_lines
    from mmvg.registry import DATASETS

    if out.suffix != '.jsonl':
        raise ValueError(f'--out {out}: a config is converted to JSON lines, whose name ends in .jsonl')
    cfg = load_config(source)
    init_default_scope(cfg.get('default_scope', 'mmvg'))
    written = 0
    for split in ('train', 'val', 'test'):
        if (loader := cfg.get(f'{split}_dataloader')) is not None:
            settings = {**loader['dataset'], 'pipeline': []}
            name = settings.get('split', split)
            if split == 'test' and settings == {**cfg.val_dataloader['dataset'], 'pipeline': []}:
                continue
            written += write_json_lines(DATASETS.build(settings), out, name, append=written > 0)
    print(f'{written} expressions are in {out}')


def _json_lines_to_grefcoco(source: Path, out: Path, splits: list[str] | None, images: str) -> None:
    from mmvg.datasets import DataError, JSONLDataset
    from mmvg.datasets.writers import write_grefcoco

    if out.suffix == '.jsonl':
        raise ValueError(f'--out {out}: JSON lines are converted to a folder of gRefCOCO files')
    datasets = {}
    for split in splits or ('train', 'val', 'test'):
        try:
            datasets[split] = JSONLDataset(source.name, split, data_root=str(source.parent), img_prefix=images)
        except DataError as error:
            if splits or 'no usable line' not in str(error):
                raise
    if not datasets:
        raise ValueError(f'{source}: no line of split train, val or test; name its splits with --splits')
    print(f'{write_grefcoco(datasets, out)} expressions are in {out}')


def pack(
    root: Annotated[str, typer.Argument(help='The data root, which has the folder VGPhraseCut_v0.')],
    split: Annotated[str, typer.Option(help='train, val, miniv, val_miniv or test.')],
    out: Annotated[Path | None, typer.Option(metavar='FILE', help='By default ROOT/VGPhraseCut_v0/SPLIT.lmdb.')] = None,
    force: Annotated[bool, typer.Option('--force', help='Replace the file if it is there.')] = False,
) -> None:
    """Pack PhraseCut into one LMDB file per split.

    mmvg data pack data --split train
    """
    from mmvg.datasets import PhraseCutDataset
    from mmvg.datasets.readers import write_phrasecut_lmdb

    files = PhraseCutDataset(split, data_root=root, mode='tolerant')  # which checks that they are there, and readable
    out = out or Path(root) / 'VGPhraseCut_v0' / f'{split}.lmdb'
    tasks, images = write_phrasecut_lmdb(out, split, files.task_files, files.files['images'], files.image_folder, force)
    print(f'{tasks} tasks and {images} images, {out.stat().st_size / 2**20:.1f} MiB, are in {out}')


def draw(
    out: Annotated[Path, typer.Option(help='Root folder of the data set.')] = Path('data/refshapes'),
    size: Annotated[str, typer.Option(help='tiny: tests; small: demo; full: GPU.')] = 'small',
    seed: Annotated[int, typer.Option(help='Another seed draws other scenes.')] = 0,
    formats: Annotated[
        list[str] | None, typer.Option(metavar='FORMAT...', help='Of which benchmarks; all by default.')
    ] = None,
    workers: Annotated[int | None, typer.Option(help='Processes; one per core by default.')] = None,
    force: Annotated[
        bool, typer.Option('--force', help='Replace a RefShapes of another size, seed or version.')
    ] = False,
) -> None:
    """Write RefShapes, the drawn data set.

    mmvg data draw --out data/refshapes --size small
    """
    import time

    from rich.console import Console

    from mmvg.checks import check_choice
    from mmvg.refshapes import SIZES, WRITERS, DatasetConflictError, generate

    check_choice('--size', size, tuple(SIZES))
    for name in formats or ():
        check_choice('--formats', name, tuple(WRITERS))
    console = Console()
    start = time.perf_counter()
    try:
        with _progress(console) as bar:
            task = bar.add_task('drawing', total=sum(SIZES[size].images.values()))
            records = generate(
                out,
                size,
                seed,
                formats=formats or list(WRITERS),
                workers=workers,
                force=force,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    except DatasetConflictError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error
    if not records:
        console.print(f'{out} is complete already; nothing to do.')
        return
    for style in records[0].references:
        console.print(_kinds_table(records, style))
    console.print(f'{len(records)} images in {out}, {time.perf_counter() - start:.0f} s')


def _progress(console):
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn('drawing'), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)


def _kinds_table(records, style: str):
    """Images, references and sentences of one style, per split and kind."""
    from collections import Counter

    from rich.table import Table

    from mmvg.refshapes.expressions import KINDS
    from mmvg.refshapes.sizes import SPLITS

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


def browse(
    config: ConfigArgument,
    split: Annotated[Split, typer.Option(help='Which dataloader.')] = Split.train,
    out_dir: Annotated[str | None, typer.Option(help='Default: work_dirs/<paper>_<name>/browse_<split>.')] = None,
    num: Annotated[int, typer.Option(min=1, help='Samples, spread evenly over the split.')] = 24,
    cfg_options: CfgOptions = None,
) -> None:
    """Draw what the pipeline of a config delivers.

    Writes one picture per sample and a sheet of all, browse.png.
    """
    from mmvg.apis import load_config
    from mmvg.config import ConfigError

    cfg = load_config(config, parse_options(cfg_options))
    loader = cfg.get(f'{split.value}_dataloader')
    if loader is None:
        raise ConfigError([f'{split.value}_dataloader: missing, so there is nothing to browse'], config)

    import cv2
    import mmcv
    import numpy as np
    from mmengine.registry import init_default_scope
    from mmengine.utils import track_iter_progress

    from mmvg.registry import DATASETS
    from mmvg.visualization import GroundingVisualizer

    init_default_scope(cfg.get('default_scope', 'mmvg'))
    dataset = DATASETS.build(loader.dataset)
    chosen = np.unique(np.linspace(0, len(dataset) - 1, min(num, len(dataset))).round().astype(int))
    out_dir = out_dir or osp.join(cfg.work_dir, f'browse_{split.value}')
    visualizer = GroundingVisualizer()
    items = []
    for index in track_iter_progress(chosen.tolist()):
        packed = dataset[index]
        image = np.ascontiguousarray(packed['inputs'].numpy().transpose(1, 2, 0))
        items.append((cv2.cvtColor(image, cv2.COLOR_BGR2RGB), packed['data_samples']))
        picture = visualizer.draw(*items[-1], frame='input')
        mmcv.imwrite(picture[..., ::-1], osp.join(out_dir, f'{index:06d}.png'))
    sheet = visualizer.contact_sheet(items, columns=6, frame='input')
    mmcv.imwrite(sheet[..., ::-1], osp.join(out_dir, 'browse.png'))
    print(f'\n{len(items)} of {len(dataset)} samples are drawn in {out_dir}; browse.png shows all of them')
