"""``mmvg data``: check, convert, pack, draw and browse data."""

import os
import os.path as osp
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from mmvg.cli.arguments import CfgOptions, ConfigArgument, parse_options
from mmvg.cli.before_work import CommandError
from mmvg.cli.before_work import check_folder as check_out_folder


class Split(str, Enum):
    """A dataloader of a config."""

    train = 'train'
    val = 'val'
    test = 'test'


def check(
    target: Annotated[str, typer.Argument(help='A data root, a .jsonl file, a pack, or a config by path or name.')],
    images: Annotated[
        str | None,
        typer.Option(metavar='DIR', help='Image folder below the root; the usual ones, such as images, are found.'),
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
    format_: Annotated[
        str | None,
        typer.Option('--format', metavar='FORMAT', help='Of a file, as `mmvg data convert --from` names it.'),
    ] = None,
    splits: Annotated[
        list[str] | None, typer.Option(metavar='SPLIT...', help='Of such a file; by default all.')
    ] = None,
    unit: Annotated[str | None, typer.Option(help='Of boxes in Qwen lines: pixel, permille or fraction.')] = None,
    most: Annotated[int, typer.Option(metavar='N', min=0, help='Findings to print; all are counted.')] = 40,
) -> None:
    """Find everything that is wrong with data.

    The exit code is 1 if there is something: mmvg data check data/refshapes
    """
    from rich.console import Console

    from mmvg.data_check import check_config_data, check_folder, check_format, compare_with_released
    from mmvg.data_check.table import counts_table, findings_table

    by_format = format_ not in (None, 'jsonl', 'grefcoco')  # which have checks of their own
    by_config = not by_format and _is_config(target)
    for option, value, means_something in (
        ('--splits', splits, by_format),
        ('--unit', unit, by_format),
        ('--images', images, not by_config),
        ('--outside-images', outside_images, not by_format and not by_config),
    ):
        if value and not means_something:
            what = 'a config' if by_config else f'--format {format_}' if format_ else 'data without a --format'
            raise CommandError(f'{option} means nothing for {what}')
    console = Console(width=None if sys.stdout.isatty() else 160)
    with console.status('checking') as status:
        if by_format:
            options = {} if unit is None else dict(unit=unit)
            result = check_format(format_, target, splits, images, not headers_only, status.update, **options)
        elif by_config:
            from mmvg.apis import load_config

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
    source: Annotated[str, typer.Argument(help='A config, whose dataloaders are read, a file, or a folder.')],
    out: Annotated[Path, typer.Option(help='A file, or a folder.')],
    from_: Annotated[
        str | None, typer.Option('--from', metavar='FORMAT', help='By default config for .py, jsonl for .jsonl.')
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar='FORMAT', help='By default jsonl for .jsonl, grefcoco for a folder.')
    ] = None,
    splits: Annotated[list[str] | None, typer.Option(metavar='SPLIT...', help='Which; by default all.')] = None,
    images: Annotated[
        str | None, typer.Option(metavar='DIR', help='Image folder beside the file, or below the folder.')
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help='Of boxes in Qwen lines: pixel, permille (thousandths) or fraction.')
    ] = None,
    phrase: Annotated[str | None, typer.Option(metavar='TEMPLATE', help="What a category is called: 'the {}'.")] = None,
    attribute: Annotated[
        str | None, typer.Option(metavar='NAME', help='Of CVAT labels, that holds expressions.')
    ] = None,
    image_prefix: Annotated[
        str | None, typer.Option(metavar='TEXT', help='Put before the names of images that are written.')
    ] = None,
    force: Annotated[
        bool, typer.Option('--force', help='Replace files that are there, but for those that are read.')
    ] = False,
) -> None:
    """Convert data from one format to another, and say what was lost.

    mmvg data convert export.json --from label-studio --to jsonl --out mine.jsonl

    Formats that are read: config, jsonl, grefcoco, coco, odvg, label-studio, cvat, qwen, refcoco-m, ref-l4, humanref,
    flickr30k. Written: jsonl, grefcoco, coco, odvg, label-studio, qwen, fiftyone.
    """
    from mmvg.datasets.formats import FORMATS, check_free, read_format, write_format

    name = from_ or ('config' if _is_config(source) else _format_of(source, '--from', {'.jsonl': 'jsonl'}))
    target = to or _format_of(str(out), '--to', {'.jsonl': 'jsonl', '': 'grefcoco'})
    given = dict(unit=unit, phrase=phrase, attribute=attribute, image_prefix=image_prefix)
    given = {key: value for key, value in given.items() if value is not None}
    both = [FORMATS[key].options if key in FORMATS else () for key in (name, target)]
    reading = {key: value for key, value in given.items() if key in both[0] and key != 'image_prefix'}
    writing = {key: value for key, value in given.items() if key in both[1] and key in ('unit', 'image_prefix')}
    if name == 'config' and images is not None:
        raise CommandError('--images means nothing for a config, which names its image folders')
    for key in given.keys() - reading.keys() - writing.keys():
        raise ValueError(f'--{key.replace("_", "-")} means nothing from {name} to {target}')
    check_out_folder('--out', out.parent if out.suffix else out)
    check_free([out], [Path(source)], force)
    if name == 'config':
        datasets = _datasets_of_config(source, splits)
    else:
        datasets = read_format(name, Path(source), splits, images, **reading)
    written = write_format(target, datasets, out, force, **writing)
    print(f'{written.expressions} expressions are in {out}')
    for line in written.lines():
        print(line)


def _is_config(source: str) -> bool:
    """Whether a config is meant: a file in Python, or the name of one that comes with mmvg and of nothing here."""
    if source.endswith('.py') or osp.exists(source):
        return source.endswith('.py')
    try:
        from mmvg.config import find_config

        return bool(find_config(source))
    except (FileNotFoundError, ImportError):  # reading configs takes more than reading data
        return False


def _format_of(name: str, option: str, suffixes: dict[str, str]) -> str:
    """Tell a format by the ending of a file.

    Raises:
        ValueError: If it tells none.
    """
    suffix = Path(name).suffix
    if suffix not in suffixes:
        raise ValueError(f'{name}: say with {option} which format it is')
    return suffixes[suffix]


def _datasets_of_config(source: str, splits: list[str] | None) -> dict:
    """Build the datasets of the dataloaders of a config without their pipelines, by split."""
    from mmengine.registry import init_default_scope

    from mmvg.apis import load_config
    from mmvg.datasets.loader_datasets import datasets_of_loaders

    cfg = load_config(source)
    init_default_scope(cfg.get('default_scope', 'mmvg'))
    datasets = datasets_of_loaders(cfg, splits)
    if not datasets:
        raise ValueError(f'{source}: no dataloader reads one of the splits {", ".join(splits or ())}')
    return datasets


def pack(
    source: Annotated[str, typer.Argument(metavar='ROOT', help='A data root, or a config whose pictures are packed.')],
    split: Annotated[
        str | None, typer.Option(help='Of PhraseCut, with its annotations: train, val, miniv, val_miniv or test.')
    ] = None,
    to: Annotated[str | None, typer.Option(metavar='[lmdb|webdataset]', help='Pictures of any data set.')] = None,
    images: Annotated[
        str | None,
        typer.Option(metavar='DIR', help='Folder below the root whose pictures are packed; by default all.'),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar='PATH', help='An LMDB file, or a folder of tars; by default ROOT/pictures.')
    ] = None,
    force: Annotated[bool, typer.Option('--force', help='Replace a pack that is there, and nothing else.')] = False,
) -> None:
    """Pack the pictures of a data set, for file systems that are slow at many small files.

    mmvg data pack data --images images/train2014 --to lmdb

    Every data set reads them with pictures=... in its config. With --split, PhraseCut with its annotations becomes one
    LMDB file.
    """
    from mmvg.datasets.readers import check_pack_target, pack_pictures

    if (split is None) == (to is None):
        raise typer.BadParameter('give --to lmdb or --to webdataset, or --split for PhraseCut with its annotations')
    if images is not None and (split is not None or _is_config(source)):
        raise CommandError(f'--images {images} means nothing with --split or a config, which name the pictures')
    if out is not None:
        check_out_folder('--out', out.parent)
        check_pack_target(out, to == 'webdataset', force)
    if split is not None:
        _pack_phrasecut(source, split, out, force)
        return
    root, names = (
        _pictures_of_config(source) if _is_config(source) else (Path(source), _pictures_below(source, images or '.'))
    )
    out = out or root / ('pictures.lmdb' if to == 'lmdb' else 'pictures')
    count = pack_pictures(out, root, names, to, force)
    size = sum(file.stat().st_size for file in ([out] if out.is_file() else out.iterdir()))
    print(
        f'{count} pictures, {size / 2**20:.1f} MiB, are in {out}; set pictures={osp.relpath(out, root)} of a data set'
    )


def _pack_phrasecut(root: str, split: str, out: Path | None, force: bool) -> None:
    from mmvg.datasets import PhraseCutDataset
    from mmvg.datasets.readers import write_phrasecut_lmdb

    files = PhraseCutDataset(split, data_root=root, mode='tolerant')  # which checks that they are there, and readable
    out = out or Path(root) / 'VGPhraseCut_v0' / f'{split}.lmdb'
    tasks, images = write_phrasecut_lmdb(out, split, files.task_files, files.files['images'], files.image_folder, force)
    print(f'{tasks} tasks and {images} images, {out.stat().st_size / 2**20:.1f} MiB, are in {out}')


def _pictures_below(root: str, folder: str) -> list[str]:
    """Paths below ``root`` of the picture files in one of its folders and the folders in it, through links too.

    Raises:
        CommandError: If the folder is not below the root.
        FileNotFoundError: If there is no such folder.
    """
    from mmvg.apis.images import SUFFIXES

    top = osp.abspath(root)
    start = osp.normpath(osp.join(top, folder))
    if start != top and not Path(start).is_relative_to(top):
        raise CommandError(f'--images {folder} is not below {root}; pack it as a root of its own')
    if not osp.isdir(start):
        raise FileNotFoundError(f'{osp.join(root, folder)}: there is no such folder')
    found = []
    for place, folders, files in os.walk(start, followlinks=True):
        folders[:] = [name for name in folders if not _leads_back(osp.join(place, name))]
        pictures = [osp.join(place, name) for name in files if Path(name).suffix.lower() in SUFFIXES]
        found += [Path(osp.relpath(file, top)).as_posix() for file in pictures if osp.isfile(file)]
    return found


def _leads_back(folder: str) -> bool:
    """Whether a folder is a link to one that it lies in, be it through other links."""
    if not osp.islink(folder):
        return False
    target = osp.realpath(folder)
    return any(Path(osp.realpath(place)).is_relative_to(target) for place in Path(folder).parents)


def _pictures_of_config(config: str) -> tuple[Path, list[str]]:
    """The data root of a config, and the paths below it of all pictures that its loaders read."""
    from mmvg.datasets.referring_dataset import name_below

    roots, names = set(), set()
    for dataset in _datasets_of_config(config, None).values():
        roots.add(dataset.root)
        items = (dataset.get_data_info(index) for index in range(len(dataset)))
        names |= {name_below(dataset.root, item['img_path']) for item in items}
    if len(roots) != 1:
        raise ValueError(
            f'{config}: its data sets lie below {len(roots)} roots; pack the folders of each by themselves'
        )
    return roots.pop(), sorted(names)


def draw(
    out: Annotated[Path, typer.Option(help='Root folder of the data set.')] = Path('data/refshapes'),
    size: Annotated[str, typer.Option(help='tiny: tests; small: demo; full: GPU.')] = 'small',
    seed: Annotated[int, typer.Option(min=0, help='Another seed draws other scenes.')] = 0,
    formats: Annotated[
        list[str] | None, typer.Option(metavar='FORMAT...', help='Of which benchmarks; all by default.')
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help='Processes; one per core by default.')] = None,
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


def scenes(
    out: Annotated[Path, typer.Option(help='Root folder of the data set.')] = Path('data/refscenes'),
    number: Annotated[int, typer.Option(min=3, help='Tables; 85 % of them for training.')] = 2000,
    seed: Annotated[int, typer.Option(min=0, help='Another seed draws other tables.')] = 0,
    formats: Annotated[
        list[str] | None, typer.Option(metavar='FORMAT...', help='ocid_vlg, grasp_anything, jsonl; all by default.')
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help='Processes; one per core by default.')] = None,
    size: Annotated[str, typer.Option(metavar='WxH', help='Of the pictures, in pixels; 4:3.')] = '320x240',
    noise: Annotated[bool, typer.Option('--noise', help='Depth with the noise and holes of a real sensor.')] = False,
    force: Annotated[bool, typer.Option('--force', help='Replace a RefScenes of other settings.')] = False,
) -> None:
    """Write RefScenes: simulated tables with sentences, masks, depth, and grasps that were tried.

    mmvg data scenes --out data/refscenes --number 2000 --workers 2
    """
    import re
    import time

    from rich.console import Console

    from mmvg.refshapes import DatasetConflictError
    from mmvg.simulation.generate import generate_tables
    from mmvg.simulation.writers import TABLE_WRITERS

    if not (sides := re.fullmatch(r'(\d+)x(\d+)', size)):
        raise ValueError(f'--size {size}: must be a width and a height in pixels, such as 320x240')
    console = Console()
    start = time.perf_counter()
    try:
        with _progress(console) as bar:
            task = bar.add_task('tables', total=number)
            written = generate_tables(
                out,
                number,
                seed,
                formats=formats or list(TABLE_WRITERS),
                workers=workers,
                size=(int(sides[1]), int(sides[2])),
                noise=noise,
                force=force,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    except DatasetConflictError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error
    if not written:
        console.print(f'{out} is complete already; nothing to do.')
        return
    counts = ', '.join(f'{count} {name.replace("_", " ")}' for name, count in written.items())
    console.print(f'{counts} in {out}, {time.perf_counter() - start:.0f} s')


def _progress(console):
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
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
