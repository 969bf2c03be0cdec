"""The data doctor: everything that is wrong with a folder of data, or with the data of a config."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvg.data_check.coco_refs import FORMATS, check_coco_refs
from mmvg.data_check.findings import FindingReport
from mmvg.data_check.grasp_anything import check_grasp_anything
from mmvg.data_check.jsonl import check_jsonl
from mmvg.data_check.ocid_vlg import check_ocid_vlg
from mmvg.datasets.readers import KNOWN_IMAGE_FOLDERS, DataError

Progress = Callable[[str], None]


@dataclass
class Diagnosis:
    """What was looked at and what was found.

    Args:
        report: The findings.
        counts: Rows of (data set, file, split, refs, sentences, of them without a target, images).
    """

    report: FindingReport = field(default_factory=FindingReport)
    counts: list[tuple[str, str, str, int, int, int, int]] = field(default_factory=list)


def check_folder(
    root: str | Path,
    images: str | None = None,
    decode: bool = True,
    progress: Progress = lambda _: None,
    only: Collection[str] | None = None,
) -> Diagnosis:
    """Check every data set below ``root`` (see data/README.md), or one ``.jsonl`` file.

    RefCOCO/+/g, gRefCOCO, Ref-ZOM, R-RefCOCO/+/g, OCID-VLG, Grasp-Anything++ and JSON lines are checked record by
    record; of PhraseCut each ``refer_*.json`` is loaded strictly, which stops at its first defect.

    Args:
        root: Data root, or a ``.jsonl`` file.
        images: Image folder below the root; by default the first of the usual ones that is there.
        decode: Decode every image; otherwise only headers are read.
        progress: Called with what is looked at next.
        only: Names of the folders of data sets to look at; all by default.

    Raises:
        FileNotFoundError: If there is no such folder, or no data set in it.
    """
    root = Path(root)
    diagnosis = Diagnosis()
    if root.suffix == '.jsonl':
        _add_jsonl(diagnosis, root, root.parent / (images or ''), decode, progress)
        return diagnosis
    if not root.is_dir():
        raise FileNotFoundError(f'{root}: there is no such folder; give the data root, a .jsonl file or a config')
    for name, kind in FORMATS.items():
        if (root / kind.folder).is_dir() and (only is None or kind.folder in only):
            folder = root / (images or _image_folder(root, name))
            for (file, split), count in check_coco_refs(root, kind, folder, diagnosis.report, decode, progress).items():
                row = (name, file, split, count.refs, count.sentences, count.no_target, len(count.images))
                diagnosis.counts.append(row)
    if (root / 'VGPhraseCut_v0').is_dir() and (only is None or 'VGPhraseCut_v0' in only):
        _add_phrasecut(diagnosis, root, images, progress)
    for name, check, folders in (
        ('ocid_vlg', check_ocid_vlg, ('.', 'ocid_vlg', 'OCID-VLG')),
        ('grasp_anything', check_grasp_anything, ('.', 'grasp_anything', 'grasp-anything')),
    ):
        for folder in folders:
            for (file, split), count in check(root / folder, diagnosis.report, decode, progress, only).items():
                row = (name, file, split, count.refs, count.sentences, count.no_target, len(count.images))
                diagnosis.counts.append(row)
    for file in sorted(root.glob('*.jsonl')) if only is None else ():
        if file.name != 'scenes.jsonl':  # RefShapes' own notes
            _add_jsonl(diagnosis, file, root / (images or ''), decode, progress)
    if only is None and not diagnosis.counts and not diagnosis.report.findings:
        known = ', '.join(
            [*(kind.folder for kind in FORMATS.values()), 'VGPhraseCut_v0', 'OCID-VLG', 'grasp-anything', '*.jsonl']
        )
        raise FileNotFoundError(f'{root}: no data set in it; looked for {known} (data/README.md shows the tree)')
    return diagnosis


def check_config(cfg: Config, decode: bool = True, progress: Progress = lambda _: None) -> Diagnosis:
    """Check the data that the dataloaders of a config read, by building each dataset strictly after the folder check.

    Raises:
        FileNotFoundError: If there is no data to look at.
    """
    from mmengine.registry import init_default_scope

    from mmvg.registry import DATASETS

    init_default_scope(cfg.get('default_scope', 'mmvg'))
    diagnosis = Diagnosis()
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
            diagnosis.report.found(f'the dataset of {split}_dataloader cannot be built: {error}', cfg.filename, split)
            continue
        used = folders.setdefault((settings.get('data_root', 'data'), settings.get('img_prefix')), set())
        used.update(file.parent.name for file in dataset.required_files())
    for (root, images), used in folders.items():
        if Path(root).is_dir():
            folder = check_folder(root, images, decode, progress, used)
            diagnosis.counts += folder.counts
            for finding in folder.report.findings:
                diagnosis.report.found(finding.problem, finding.file, finding.record, finding.level)
    return diagnosis


def _image_folder(root: Path, name: str) -> str:
    usual = ('images/trainval2014', 'trainval2014', 'ref-zom/trainval2014') if name == 'ref-zom' else ()
    candidates = (*usual, *KNOWN_IMAGE_FOLDERS)
    return next((folder for folder in candidates if (root / folder).is_dir()), candidates[0])


def _add_jsonl(diagnosis: Diagnosis, file: Path, images: Path, decode: bool, progress: Progress) -> None:
    progress(file.name)
    for split, count in check_jsonl(file, images, diagnosis.report, decode).items():
        row = ('jsonl', file.name, split, count.refs, count.sentences, count.no_target, len(count.images))
        diagnosis.counts.append(row)


def _add_phrasecut(diagnosis: Diagnosis, root: Path, images: str | None, progress: Progress) -> None:
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
            diagnosis.report.found(str(error), file, split)
            continue
        ids = {item['img_id'] for item in map(dataset.get_data_info, range(len(dataset)))}
        diagnosis.counts.append(('phrasecut', file.name, split, len(dataset), len(dataset), 0, len(ids)))
