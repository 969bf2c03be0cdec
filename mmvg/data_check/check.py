"""Find everything that is wrong with a folder of data, or with the data of a config."""

import os.path
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mmvg.data_check.coco_refs import FORMATS, check_coco_refs
from mmvg.data_check.counts import Counts
from mmvg.data_check.findings import FindingReport
from mmvg.data_check.grasp_anything import check_grasp_anything
from mmvg.data_check.jsonl import check_jsonl
from mmvg.data_check.ocid_vlg import check_ocid_vlg
from mmvg.data_check.packs import check_pack, pack_of
from mmvg.data_check.sources import FINDERS, image_folder, is_own_note, of_format
from mmvg.data_check.splits import check_leakage
from mmvg.data_check.through_readers import Source, check_sources
from mmvg.data_check.twins import Signature
from mmvg.datasets import JSONLDataset, ReferringDataset
from mmvg.datasets.formats import FORMATS as READ
from mmvg.datasets.loader_datasets import LOADERS, settings_of_loader
from mmvg.datasets.readers import DataError
from mmvg.registry import DATASETS

if TYPE_CHECKING:
    from mmengine.config import Config

Progress = Callable[[str], None]

_OTHERS = ('VGPhraseCut_v0', 'OCID-VLG', 'grasp-anything')
#: Of files that could be annotations.
_DATA_SUFFIXES = ('.json', '.jsonl', '.p', '.pkl', '.pickle', '.lmdb', '.parquet', '.csv', '.zip', '.gz', '.tar')


class CountRow(NamedTuple):
    """What one split of a data set holds.

    Example:
        >>> CountRow('refcoco', 'refs(unc).p', 'val', refs=3811, sentences=10834, no_target=0, images=1500).images
        1500
    """

    dataset: str
    file: str
    split: str
    refs: int
    sentences: int
    no_target: int
    images: int


@dataclass
class CheckResult:
    """What was looked at and what was found.

    Args:
        report: The findings.
        counts: What each split holds.

    Example:
        >>> result = CheckResult()
        >>> result.report.found('missing image file', 'images/a.jpg', 'image id 7')
        >>> result.report.errors[0].cure
        'copy the image there, or set --images to the folder that holds it'
    """

    report: FindingReport = field(default_factory=FindingReport)
    counts: list[CountRow] = field(default_factory=list)

    def add_counts(self, dataset: str, found: Mapping[tuple[str, str], Counts]) -> None:
        """Add a row for every (file, split) of ``found``."""
        for (file, split), count in found.items():
            row = CountRow(dataset, file, split, count.refs, count.sentences, count.no_target, len(count.images))
            self.counts.append(row)


def check_folder(
    root: str | Path,
    images: str | None = None,
    decode: bool = True,
    progress: Progress = lambda _: None,
    only: Collection[str] | None = None,
    outside_images: bool = False,
) -> CheckResult:
    """Check every data set below ``root`` (see data/README.md), one ``.jsonl`` file, or packed pictures.

    RefCOCO/+/g, gRefCOCO, Ref-ZOM, R-RefCOCO/+/g, OCID-VLG, Grasp-Anything++ and JSON lines are checked record by
    record; PhraseCut, the GREC files of gRefCOCO and InstanceVG's own files through their readers, each to the first
    defect that ends the reading.

    Args:
        root: Data root, a ``.jsonl`` file, an LMDB file, or a folder of tars or a tar in it.
        images: Image folder below the root; by default the first of the usual ones that is there, of JSON lines
            ``images`` if it is there.
        decode: Decode every image; otherwise only headers are read.
        progress: Called with what is looked at next.
        only: Names of the folders of data sets to look at; all by default.
        outside_images: Whether JSON lines may name images out of the image folder.

    Returns:
        All findings, and what each split holds.

    Raises:
        FileNotFoundError: If there is no such folder, or no data set in it, or it is a file.

    Example:
        >>> result = check_folder('data/refshapes', only=['refcoco'], decode=False)
        >>> result.report.errors
        []
        >>> result.counts[0]
        CountRow(dataset='refcoco', file='refs(unc).p', split='train', refs=58, sentences=169, no_target=0, images=24)
    """
    root = Path(root)
    result = CheckResult()
    report = result.report
    if root.suffix == '.jsonl':
        _check_lines(result, [(root, _image_folder_of_lines(root.parent, images), outside_images)], decode, progress)
        return result
    if (pack := pack_of(root)) is not None:
        for name, found in check_pack(pack, report, decode, progress).items():
            result.add_counts(name, found)
        return result
    if root.is_file():
        raise FileNotFoundError(
            f'{root}: this is a file; give the data root, in which its folder lies, or say with --format what it is'
        )
    if not root.is_dir():
        raise FileNotFoundError(
            f'{root}: there is no such folder; give the data root, a .jsonl file, a pack or a config'
        )
    for name, kind in FORMATS.items():
        if (root / kind.folder).is_dir() and (only is None or kind.folder in only):
            folder = root / (images or image_folder(root, name))
            result.add_counts(name, check_coco_refs(root, kind, folder, report, decode, progress))
    for name, (folder, find) in FINDERS.items():
        if only is None or folder in only:
            result.add_counts(name, check_sources(find(root, images), report, decode, progress))
    for name, check, folders in (
        ('ocid_vlg', check_ocid_vlg, ('.', 'ocid_vlg', 'OCID-VLG')),
        ('grasp_anything', check_grasp_anything, ('.', 'grasp_anything', 'grasp-anything')),
    ):
        for folder in folders:
            result.add_counts(name, check(root / folder, report, decode, progress, only))
    if only is None:
        folder = _image_folder_of_lines(root, images)
        lines = [(file, folder, outside_images) for file in sorted(root.glob('*.jsonl')) if not is_own_note(file)]
        _check_lines(result, lines, decode, progress)
        _find_unread(root, report)
        if not result.counts and not report.errors:
            known = ', '.join([*(kind.folder for kind in FORMATS.values()), *_OTHERS, '*.jsonl'])
            raise FileNotFoundError(f'{root}: no data set in it; looked for {known} (data/README.md shows the tree)')
    return result


def check_format(
    name: str,
    source: str | Path,
    splits: Sequence[str] | None = None,
    images: str | None = None,
    decode: bool = True,
    progress: Progress = lambda _: None,
    **options: Any,
) -> CheckResult:
    """Check data in one of the formats of :mod:`mmvg.datasets.formats`, through its reader.

    Args:
        name: Of the format.
        source: The file, or the data root of a benchmark.
        splits: Which; by default all that it names.
        images: Image folder beside the file.
        decode: Decode every image; otherwise only headers are read.
        progress: Called with what is looked at next.
        options: Of the reader, such as ``unit``.

    Returns:
        All findings, and what each split holds.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the format is unknown, or an option does not belong to it.

    Example:
        >>> file, folder = 'data/refshapes/refcoco/instances.json', '../images/train2014'
        >>> [row[:4] for row in check_format('coco', file, images=folder, decode=False).counts]
        [('coco', 'instances.json', 'train', 114)]
    """
    result = CheckResult()
    sources = of_format(name, Path(source), splits, images, **options)
    result.add_counts(name, check_sources(sources, result.report, decode, progress))
    return result


def check_config_data(cfg: 'Config', decode: bool = True, progress: Progress = lambda _: None) -> CheckResult:
    """Check the data that the dataloaders of a config read.

    Each dataset is built strictly, those inside of others (``ConcatDataset``) too. Then the folders and files of JSON
    lines that they read are checked record by record; every other dataset, and one whose pictures lie in a pack,
    without an image folder, is checked through its reader.

    Args:
        cfg: A config with dataloaders.
        decode: Decode every image; otherwise only headers are read.
        progress: Called with what is looked at next.

    Returns:
        All findings, and what each split holds.

    Raises:
        FileNotFoundError: If there is no data to look at.

    Example:
        >>> from mmvg.apis import load_config
        >>> check_config_data(load_config('configs/instancevg/tiny.py'), decode=False).report.errors
        []
    """
    from mmengine.registry import init_default_scope

    init_default_scope(cfg.get('default_scope', 'mmvg'))
    result = CheckResult()
    folders: dict[tuple[Path, str | None], list[_ReadByConfig]] = {}
    lines: dict[tuple[Path, Path, bool], None] = {}
    others: list[_ReadByConfig] = []
    for split, settings in [(loader, each) for loader in LOADERS for each in settings_of_loader(cfg, loader)]:
        progress(f'{split}_dataloader')
        kind = DATASETS.get(settings['type']) if isinstance(settings['type'], str) else settings['type']
        if kind is not None and not issubclass(kind, ReferringDataset):
            problem = f'dataset that the check cannot look into: {kind.__name__}'
            result.report.found(problem, cfg.filename, split)
            continue
        settings['mode'] = 'strict'
        try:
            dataset = DATASETS.build({**settings, 'check_images': True})
        except (DataError, FileNotFoundError) as error:
            result.report.found(f'the dataset of {split}_dataloader cannot be built: {error}', cfg.filename, split)
            continue
        read = _ReadByConfig.of(dataset, settings)
        if dataset.is_packed and not dataset.image_folder.is_dir():
            others.append(read)
        elif isinstance(dataset, JSONLDataset):
            for file in read.files:
                lines[file, dataset.image_folder, dataset.outside_images] = None
        else:
            folders.setdefault((dataset.root, settings.get('img_prefix')), []).append(read)
    _check_lines(result, list(lines), decode, progress)
    for (root, images), read in folders.items():
        used = {file.parent.name for one in read for file in one.files}
        folder = check_folder(root, images, decode, progress, used) if root.is_dir() else CheckResult()
        result.counts += folder.counts
        for finding in folder.report.findings:
            result.report.found(finding.problem, finding.file, finding.record, finding.level)
        others += [one for one in read if not folder.report.opened.issuperset(one.files)]
    sources: dict[str, dict[tuple[Path, str], Source]] = {}
    for one in others:
        sources.setdefault(one.name, {})[one.source.file, one.source.split] = one.source
    for name, of_name in sources.items():
        result.add_counts(name, check_sources(list(of_name.values()), result.report, decode, progress))
    return result


class _ReadByConfig(NamedTuple):
    """A dataset of a config: its name, the files that it reads, and how it is checked through its reader."""

    name: str
    files: list[Path]
    source: Source

    @classmethod
    def of(cls, dataset: ReferringDataset, settings: dict[str, Any]) -> '_ReadByConfig':
        """Note what the check needs of a dataset, which may be large, and the settings that build it again."""
        files = dataset.required_files()
        build = partial(DATASETS.build, {**settings, 'lazy_init': True})
        box_format = next((kind.box_format for kind in READ.values() if kind.reader is type(dataset)), 'xywh')
        return cls(dataset.name, files, Source(files[0], dataset.split, build, box_format, exact=False))


def _image_folder_of_lines(root: Path, images: str | None) -> Path:
    return root / images if images is not None else next(filter(Path.is_dir, (root / 'images', root)), root)


def _check_lines(
    result: CheckResult, files: Sequence[tuple[Path, Path, bool]], decode: bool, progress: Progress
) -> None:
    """Check files of JSON lines, and what those share that hold one split.

    Args:
        result: Where findings and counts go.
        files: Each with its image folder, and whether its lines may name images out of that.
        decode: Decode every image; otherwise only headers are read.
        progress: Called with what is looked at next.
    """
    by_split: dict[str, Counts] = {}
    signatures: dict[int | str, Signature] = {}
    for file, images, outside in files:
        progress(file.name)
        found, pictures = check_jsonl(file, images, result.report, decode, outside)
        same_name = any(other.name == file.name and other != file for other, _, _ in files)
        label = str(file) if same_name else file.name
        result.add_counts('jsonl', {(label, split): count for split, count in found.items()})
        own = {os.path.normpath(images / name): signature for name, signature in pictures.items()}
        signatures |= own
        splits = {split or file.stem for split in found}
        if len(splits) == 1:
            by_split.setdefault(splits.pop(), Counts()).images.update(own)
    if len(by_split) > 1:
        names = {path: Path(path).name for path in signatures}
        check_leakage(files[0][0].parent, by_split, names, signatures, result.report)


def _find_unread(root: Path, report: FindingReport) -> None:
    """Note the files that lie beside those that were read, and were not."""
    known = {*(kind.folder for kind in FORMATS.values()), *(folder for folder, _ in FINDERS.values())}
    folders = {file.parent for file in report.opened if root in file.parents and file.parent.is_dir()}
    for folder in sorted(folders | {root / name for name in known if (root / name).is_dir()} | {root}):
        files = [file for file in folder.iterdir() if file.suffix in _DATA_SUFFIXES and not file.is_dir()]
        unread = sorted(file.name for file in files if file not in report.opened and not is_own_note(file))
        if unread:
            more = f' and {len(unread) - 5} more' if len(unread) > 5 else ''
            report.found('files that are not read', folder, ', '.join(unread[:5]) + more, 'note')
