"""The formats that data come in and go out in, by name: what reads each, what writes it, and what it cannot hold."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.coco_phrases import COCOPhraseDataset
from mmvg.datasets.cvat import CVATDataset, subsets_of
from mmvg.datasets.flickr30k_entities import Flickr30kEntitiesDataset
from mmvg.datasets.grefcoco import GRefCOCODataset, splits_of_grefs
from mmvg.datasets.human_ref import HumanRefDataset
from mmvg.datasets.json_lines import JSONLDataset, splits_of_lines
from mmvg.datasets.label_studio import LabelStudioDataset
from mmvg.datasets.odvg import ODVGDataset
from mmvg.datasets.qwen_lines import QwenLinesDataset
from mmvg.datasets.readers import DataError
from mmvg.datasets.ref_l4 import RefL4Dataset
from mmvg.datasets.refcoco_m import RefCOCOMDataset
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.writers import (
    COCO_CANNOT,
    FACETS,
    FIFTYONE_CANNOT,
    GREFCOCO_FILES,
    LABEL_STUDIO_CANNOT,
    LABELING_SUFFIX,
    ODVG_CANNOT,
    QWEN_CANNOT,
    QWEN_PERMILLE_CANNOT,
    Written,
    write_coco,
    write_fiftyone,
    write_grefcoco,
    write_json_lines,
    write_label_studio,
    write_odvg,
    write_qwen_lines,
)
from mmvg.datasets.writers.written import expressions_of
from mmvg.foreign_files import shown
from mmvg.whole_files import whole_file


@dataclass(frozen=True)
class Format:
    """One format.

    Args:
        title: What it is called.
        reader: The dataset that reads it, if there is one.
        writer: Writes one split of it, if there is one.
        cannot: Facets of :data:`mmvg.datasets.writers.FACETS` that what is written cannot hold.
        suffix: Of its files; ``''`` for a data root, which is a folder.
        splits: Those that its reader has; a file without any is ``'train'``, unless it is called otherwise.
        names_splits: Whether the file says which split an expression is of.
        options: Of the reader and of the writer, that a command may set.
        find_splits: Tells the splits of a file, if it names them.
        box_format: In which boxes stand in the file, for the data check.
        beside: What a second file ends in that is written beside each.
    """

    title: str
    reader: type[ReferringDataset] | None = None
    writer: Callable[..., Any] | None = None
    cannot: frozenset[str] = frozenset()
    suffix: str = ''
    splits: tuple[str, ...] = ('train',)
    names_splits: bool = False
    options: tuple[str, ...] = ()
    find_splits: Callable[[Path], list[str]] | None = None
    box_format: str = 'xyxy'
    beside: str = ''


FORMATS: dict[str, Format] = {
    'jsonl': Format(
        'JSON lines',
        JSONLDataset,
        write_json_lines,
        suffix='.jsonl',
        names_splits=True,
        find_splits=splits_of_lines,
    ),
    'grefcoco': Format(
        'gRefCOCO',
        GRefCOCODataset,
        write_grefcoco,
        frozenset({'ids', 'grasps'}),
        names_splits=True,
        find_splits=splits_of_grefs,
        box_format='xywh',
    ),
    'coco': Format('COCO', COCOPhraseDataset, write_coco, COCO_CANNOT, '.json', options=('phrase',), box_format='xywh'),
    'odvg': Format('ODVG', ODVGDataset, write_odvg, ODVG_CANNOT, '.jsonl', options=('phrase',)),
    'label-studio': Format(
        'Label Studio',
        LabelStudioDataset,
        write_label_studio,
        LABEL_STUDIO_CANNOT,
        '.json',
        options=('phrase', 'image_prefix'),
        beside=LABELING_SUFFIX,
    ),
    'cvat': Format(
        'CVAT',
        CVATDataset,
        suffix='.xml',
        names_splits=True,
        options=('phrase', 'attribute'),
        find_splits=subsets_of,
    ),
    'qwen': Format(
        'Qwen, ms-swift', QwenLinesDataset, write_qwen_lines, QWEN_CANNOT, '.jsonl', options=('unit', 'image_prefix')
    ),
    'fiftyone': Format('FiftyOne', None, write_fiftyone, FIFTYONE_CANNOT, '.json', options=('image_prefix',)),
    'refcoco-m': Format('RefCOCO-M', RefCOCOMDataset, splits=('validation',), box_format='xywh'),
    'ref-l4': Format('Ref-L4', RefL4Dataset, splits=('val', 'test'), box_format='xywh'),
    'humanref': Format('HumanRef', HumanRefDataset, splits=('test',)),
    'flickr30k': Format('Flickr30k Entities', Flickr30kEntitiesDataset, splits=('train', 'val', 'test')),
}
_READER_OPTIONS = ('phrase', 'attribute', 'unit')
_WRITER_OPTIONS = ('unit', 'image_prefix')


def split_readers(
    name: str, source: Path, splits: Sequence[str] | None = None, images: str | None = None, **options: Any
) -> dict[str, Callable[..., ReferringDataset]]:
    """Return split -> what reads it, for data in one of the formats; nothing is read yet.

    Args and errors are those of :func:`read_format`.
    """
    kind = FORMATS[check_choice('--from', name, tuple(n for n, f in FORMATS.items() if f.reader))]
    if not source.exists():
        raise FileNotFoundError(f'{source}: there is no such file or folder')
    if kind.suffix and source.is_dir():
        raise ValueError(f'{source}: {name} is read from a {kind.suffix} file, and this is a folder')
    given = _own_options(name, kind, options, _READER_OPTIONS) | _places(kind, source, images)
    named = splits or (kind.find_splits(source) if kind.find_splits else kind.splits)
    return {split: partial(kind.reader, split=split, **given) for split in named}


def read_format(
    name: str, source: Path, splits: Sequence[str] | None = None, images: str | None = None, **options: Any
) -> dict[str, ReferringDataset]:
    """Open data in one of the formats.

    Args:
        name: Key of :data:`FORMATS`.
        source: The file, or of a benchmark the data root.
        splits: Which; by default all that there are.
        images: Image folder, beside the file or below the root; the format has a usual one.
        options: ``phrase``, ``attribute`` and ``unit``, of those that the reader has.

    Returns:
        Split -> dataset.

    Raises:
        ValueError: If the format cannot be read, an option does not belong to it, or nothing is there.
        DataError: If the data cannot be used.
    """
    readers = split_readers(name, source, splits, images, **options)
    found: dict[str, ReferringDataset] = {}
    absent: Exception | None = None
    for split, reader in readers.items():
        try:
            found[split] = reader()
        except (DataError, FileNotFoundError) as error:
            if splits or len(readers) == 1 or not _is_absent(error, split, FORMATS[name]):
                raise
            absent = error
    if not found:
        raise absent
    return found


def write_format(
    name: str, datasets: Mapping[str, ReferringDataset], out: Path, force: bool = False, **options: Any
) -> Written:
    """Write data in one of the formats.

    Args:
        name: Key of :data:`FORMATS`.
        datasets: Split -> dataset.
        out: The file; or a folder, which gets a file per split or what the format has in one.
        force: Replace files that are there, but for those that the datasets read.
        options: ``unit`` and ``image_prefix``, of those that the writer has.

    Raises:
        ValueError: If the format cannot be written, or an option does not belong to it.
        FileExistsError: If a file is there already.
    """
    kind = FORMATS[check_choice('--to', name, tuple(n for n, f in FORMATS.items() if f.writer))]
    given = _own_options(name, kind, options, _WRITER_OPTIONS)
    if not kind.suffix and out.suffix:
        raise ValueError(f'--out {out}: {name} is a folder of files, and this is the name of a file')
    files = _files_of(name, kind, list(datasets), out)
    beside = [file.with_suffix(kind.beside) for file in files if kind.beside]
    check_free(files + beside, [file for dataset in datasets.values() for file in dataset.required_files()], force)
    if name == 'grefcoco':
        return _write_grefcoco(datasets, out)
    if name == 'jsonl':
        return _write_json_lines(datasets, *files)
    written = Written()
    for (split, dataset), file in zip(datasets.items(), files, strict=True):
        written.add(kind.writer(dataset, file, split, **given))
    return written


def _files_of(name: str, kind: Format, splits: list[str], out: Path) -> list[Path]:
    """Return the files of expressions that are written: one, one per split, or those of gRefCOCO."""
    if name == 'grefcoco':
        return [out / file for file in GREFCOCO_FILES]
    if kind.names_splits:
        return [out if out.suffix else out / f'all{kind.suffix}']
    if out.suffix and out.suffix != kind.suffix:
        raise ValueError(f'--out {out}: the name of a file of {name} ends in {kind.suffix}')
    if out.suffix and len(splits) > 1:
        raise ValueError(f'--out {out}: {name} has a file per split; name a folder for {", ".join(splits)}')
    if out.suffix:
        return [out]
    if bad := [split for split in splits if Path(split).name != split]:
        raise ValueError(
            f'split {shown(bad[0])} is no name of a file; write it alone, with --splits and a file as --out'
        )
    return [out / f'{split}{kind.suffix}' for split in splits]


def check_free(files: Iterable[Path], read: Collection[Path], force: bool) -> None:
    """Check that files can be written.

    Args:
        files: Which.
        read: What the new content comes from, and must not be replaced.
        force: Whether other files may be replaced.

    Raises:
        FileExistsError: If a file is there already.
    """
    for file in filter(Path.is_file, files):
        if any(source.is_file() and file.samefile(source) for source in read):
            raise FileExistsError(f'{file} is read for this; name another place with --out')
        if not force:
            raise FileExistsError(f'{file} is there already; use --force to write it again')


def cannot_hold(name: str, unit: str | None = None) -> frozenset[str]:
    """Return the facets that a format cannot hold; of ``qwen`` it depends on the unit."""
    return QWEN_PERMILLE_CANNOT if unit == 'permille' else FORMATS[name].cannot


def _places(kind: Format, source: Path, images: str | None) -> dict[str, Any]:
    """Return the arguments of a reader that say where its files are."""
    if kind.suffix:
        return dict(ann_file=source.name, data_root=str(source.parent), img_prefix=images or 'images')
    places = dict(data_root=str(source)) | (dict(img_prefix=images) if images else {})
    if kind.reader is not GRefCOCODataset:
        return places
    places['with_mask'] = None
    if (source / 'instances.json').is_file():  # the folder of the files, and not the root above it
        files = dict(ann_file=f'{source.name}/grefs(unc).json', instances_file=f'{source.name}/instances.json')
        places |= files | dict(data_root=str(source.parent), img_prefix=images or 'images')
    return places


def _write_grefcoco(datasets: Mapping[str, ReferringDataset], out: Path) -> Written:
    written = Written()
    for dataset in datasets.values():
        for _ in expressions_of(dataset, written, FORMATS['grefcoco'].cannot):
            pass
    write_grefcoco(dict(datasets), out)
    return written


def _write_json_lines(datasets: Mapping[str, ReferringDataset], file: Path) -> Written:
    written = Written()
    with whole_file(file) as unfinished:
        for number, (split, dataset) in enumerate(datasets.items()):
            written.expressions += write_json_lines(dataset, unfinished, split, append=number > 0)
    return written


def _own_options(name: str, kind: Format, options: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """Return the options that are set and belong to the format."""
    given = {key: value for key, value in options.items() if value is not None}
    for key in given:
        if key not in kind.options or key not in known:
            raise ValueError(f'--{key.replace("_", "-")} is no option of {name}')
    return given


def _is_absent(error: Exception, split: str, kind: Format) -> bool:
    """Whether an error says that there is nothing of a split."""
    text = str(error)
    return f'split {split!r}' in text or (not kind.names_splits and isinstance(error, FileNotFoundError))


def table() -> str:
    """Return the table of what each written format holds, in Markdown, as it stands in docs/formats.md."""
    columns = {name: cannot_hold(name) for name, kind in FORMATS.items() if kind.writer}
    columns['qwen, permille'] = cannot_hold('qwen', 'permille')
    lines = ['| | ' + ' | '.join(f'`{name}`' for name in columns) + ' |', '| --- |' + ' --- |' * len(columns)]
    for facet, what in FACETS.items():
        marks = ['-' if facet in cannot else 'yes' for cannot in columns.values()]
        lines.append(f'| {what} | ' + ' | '.join(marks) + ' |')
    return '\n'.join(lines)
