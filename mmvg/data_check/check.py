"""Find everything that is wrong with a folder of data, or with the data of a config."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mmvg.data_check.coco_refs import FORMATS, check_coco_refs
from mmvg.data_check.counts import Counts
from mmvg.data_check.findings import FindingReport
from mmvg.data_check.grasp_anything import check_grasp_anything
from mmvg.data_check.jsonl import check_jsonl
from mmvg.data_check.ocid_vlg import check_ocid_vlg
from mmvg.datasets.readers import KNOWN_IMAGE_FOLDERS, DataError

if TYPE_CHECKING:
    from mmengine.config import Config

Progress = Callable[[str], None]


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
) -> CheckResult:
    """Check every data set below ``root`` (see data/README.md), or one ``.jsonl`` file.

    RefCOCO/+/g, gRefCOCO, Ref-ZOM, R-RefCOCO/+/g, OCID-VLG, Grasp-Anything++ and JSON lines are checked record by
    record; of PhraseCut each ``refer_*.json`` is loaded strictly, which stops at its first defect.

    Args:
        root: Data root, or a ``.jsonl`` file.
        images: Image folder below the root; by default the first of the usual ones that is there.
        decode: Decode every image; otherwise only headers are read.
        progress: Called with what is looked at next.
        only: Names of the folders of data sets to look at; all by default.

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
        _check_jsonl(result, root, root.parent / (images or ''), decode, progress)
        return result
    if root.is_file():
        raise FileNotFoundError(f'{root}: this is a file; give the data root, the folder above {root.parent}')
    if not root.is_dir():
        raise FileNotFoundError(f'{root}: there is no such folder; give the data root, a .jsonl file or a config')
    for name, kind in FORMATS.items():
        if (root / kind.folder).is_dir() and (only is None or kind.folder in only):
            folder = root / (images or _image_folder(root, name))
            result.add_counts(name, check_coco_refs(root, kind, folder, report, decode, progress))
    if (root / 'VGPhraseCut_v0').is_dir() and (only is None or 'VGPhraseCut_v0' in only):
        _check_phrasecut(result, root, images, progress)
    for name, check, folders in (
        ('ocid_vlg', check_ocid_vlg, ('.', 'ocid_vlg', 'OCID-VLG')),
        ('grasp_anything', check_grasp_anything, ('.', 'grasp_anything', 'grasp-anything')),
    ):
        for folder in folders:
            result.add_counts(name, check(root / folder, report, decode, progress, only))
    for file in sorted(root.glob('*.jsonl')) if only is None else ():
        if file.name != 'scenes.jsonl':  # RefShapes' own notes
            _check_jsonl(result, file, root / (images or ''), decode, progress)
    if only is None and not result.counts and not report.findings:
        known = ', '.join(
            [*(kind.folder for kind in FORMATS.values()), 'VGPhraseCut_v0', 'OCID-VLG', 'grasp-anything', '*.jsonl']
        )
        raise FileNotFoundError(f'{root}: no data set in it; looked for {known} (data/README.md shows the tree)')
    return result


def check_config_data(cfg: 'Config', decode: bool = True, progress: Progress = lambda _: None) -> CheckResult:
    """Check the data that the dataloaders of a config read.

    Each dataset is built strictly, then the folders that they read are checked.

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

    from mmvg.registry import DATASETS

    init_default_scope(cfg.get('default_scope', 'mmvg'))
    result = CheckResult()
    folders: dict[tuple[str, str | None], set[str]] = {}
    for split in ('train', 'val', 'test'):
        loader = cfg.get(f'{split}_dataloader')
        if loader is None:
            continue
        settings: dict[str, Any] = {**loader['dataset'], 'pipeline': [], 'mode': 'strict', 'check_images': True}
        progress(f'{split}_dataloader')
        try:
            dataset = DATASETS.build(settings)
        except (DataError, FileNotFoundError) as error:
            result.report.found(f'the dataset of {split}_dataloader cannot be built: {error}', cfg.filename, split)
            continue
        used = folders.setdefault((settings.get('data_root', 'data'), settings.get('img_prefix')), set())
        used.update(file.parent.name for file in dataset.required_files())
    for (root, images), used in folders.items():
        if Path(root).is_dir():
            folder = check_folder(root, images, decode, progress, used)
            result.counts += folder.counts
            for finding in folder.report.findings:
                result.report.found(finding.problem, finding.file, finding.record, finding.level)
    return result


def _image_folder(root: Path, name: str) -> str:
    usual = ('images/trainval2014', 'trainval2014', 'ref-zom/trainval2014') if name == 'ref-zom' else ()
    candidates = (*usual, *KNOWN_IMAGE_FOLDERS)
    return next((folder for folder in candidates if (root / folder).is_dir()), candidates[0])


def _check_jsonl(result: CheckResult, file: Path, images: Path, decode: bool, progress: Progress) -> None:
    progress(file.name)
    found = check_jsonl(file, images, result.report, decode)
    result.add_counts('jsonl', {(file.name, split): count for split, count in found.items()})


def _check_phrasecut(result: CheckResult, root: Path, images: str | None, progress: Progress) -> None:
    from mmvg.datasets import PhraseCutDataset

    folders = dict(img_prefix=images) if images else {}
    for split in ('train', 'val', 'test', 'miniv'):
        file = root / f'VGPhraseCut_v0/refer_{split}.json'
        if not file.is_file():
            continue
        progress(f'PhraseCut {split}')
        try:
            dataset = PhraseCutDataset(split, data_root=str(root), mode='strict', check_images=True, **folders)
        except (DataError, FileNotFoundError) as error:
            result.report.found(str(error), file, split)
            continue
        ids = {item['img_id'] for item in map(dataset.get_data_info, range(len(dataset)))}
        result.add_counts('phrasecut', {(file.name, split): Counts(len(dataset), len(dataset), 0, ids)})
