"""Checks of Grasp-Anything++, part by part."""

from collections.abc import Callable, Collection
from pathlib import Path

from mmvg.data_check.counts import Counts
from mmvg.data_check.findings import FindingReport
from mmvg.data_check.images import check_images
from mmvg.data_check.splits import check_leakage
from mmvg.datasets.grasp_anything import SPLIT_FILES, GraspAnythingDataset
from mmvg.datasets.readers import (
    GRASP_ANYTHING_SIDE as SIDE,
)
from mmvg.datasets.readers import (
    DataError,
    folder_or_doubled,
    parse_part_id,
    part_name,
    read_array,
    read_grasp_rows,
    read_id_list,
    read_instruction,
    read_label,
    read_part_mask,
)


def check_grasp_anything(
    root: Path,
    report: FindingReport,
    decode: bool = True,
    progress: Callable[[str], None] = lambda _: None,
    splits: Collection[str] | None = None,
) -> dict[tuple[str, str], Counts]:
    """Check the parts in the lists of Grasp-Anything++ below ``root``, if there are any.

    Args:
        root: Folder that holds ``grasp_instructions``.
        report: Where findings go.
        decode: Decode every picture; otherwise only headers are read.
        progress: Called with what is looked at next.
        splits: Those to look at; all by default.

    Returns:
        (list, ``'seen'`` or ``'unseen'``) -> what it holds.
    """
    found: dict[tuple[str, str], Counts] = {}
    if not folder_or_doubled(root, 'grasp_instructions').is_dir():
        return found
    try:
        import torch  # noqa: F401
    except ImportError:
        problem = "not checked, for the labels are tensors of PyTorch: pip install 'mmvg[train]' to check them"
        report.found(problem, root, 'grasp_anything', 'note')
        return found
    images: dict[str, dict] = {}
    for split, lists in SPLIT_FILES.items():
        if splits is not None and split not in splits:
            continue
        dataset = GraspAnythingDataset(split, data_root=str(root), lazy_init=True)
        dataset.load_report = report
        for novelty, name in lists.items():
            progress(f'Grasp-Anything++ {split}/{novelty}')
            names = report.try_file(read_id_list, root / name)
            if names is not None:
                found[f'{split}/{Path(name).name}', novelty] = _check_list(dataset, root / name, names, images, report)
    progress('Grasp-Anything++: images')
    signatures = check_images(images.values(), folder_or_doubled(root, 'image'), root, report, decode)
    names = {key: key for key in images}
    train = next((count for (file, _), count in found.items() if file.startswith('train/')), Counts())
    for (file, novelty), count in found.items():
        if not file.startswith('train/'):
            level = 'note' if novelty == 'unseen' else 'error'  # released: train/seen and test/unseen share 37 scenes
            where = root / SPLIT_FILES['test'][novelty]
            check_leakage(where, {'train': train, 'test': count}, names, signatures, report, level)
    return found


def _check_list(
    dataset: GraspAnythingDataset, file: Path, names: list[str], images: dict[str, dict], report: FindingReport
) -> Counts:
    counts = Counts()
    ids = [report.try_record(parse_part_id, name, file, report) for name in names]
    for part in dataset.parts([part for part in ids if part is not None], file):
        paths = {kind: Path(path) for kind, path in dataset.paths(part).items()}
        image = dict(id=part.scene, file_name=paths['image'].name, height=SIDE, width=SIDE)
        images.setdefault(part.scene, image)
        missing = [path.name for kind, path in paths.items() if kind != 'image' and not path.is_file()]
        if missing:
            report.found('part of which a file is missing', file, f'{part_name(part)}: {", ".join(missing)}')
            continue
        if _check_part(part_name(part), paths, report):
            counts.refs += 1
            counts.sentences += 1
            counts.images.add(part.scene)
    return counts


def _check_part(name: str, paths: dict[str, Path], report: FindingReport) -> bool:
    """Read the files of a part, and return whether all of them can be read."""
    read: dict[str, object] = {}
    for kind, reader in (('instruction', read_instruction), ('label', read_label), ('mask', read_part_mask)):
        try:
            read[kind] = reader(paths[kind])
        except DataError as error:
            problem = f'unreadable file: {str(error).removeprefix(str(paths[kind])).strip(" :")}'
            report.found(problem, paths[kind], name)
    if len(read) < 3:
        return False
    if not read['instruction'].strip():
        report.found('expression without a word', paths['instruction'], name)
    if not read['mask'].any():
        report.found('mask without a pixel in the image', paths['mask'], name)
    raw = read_array(paths['mask'])
    if raw.shape != (SIDE, SIDE) or raw.max(initial=0) > 1:
        report.found(
            f'mask that is not {SIDE} x {SIDE} of 0 and 1',
            paths['mask'],
            f'{name}: {raw.shape}',
            'note',
        )
    grasps, left_out = read_grasp_rows(read['label'])
    if left_out:
        report.found('label row that is no grasp', paths['label'], f'{name}: {left_out} rows')
    if not len(grasps):
        report.found('expression without a grasp', paths['label'], name)
    return True
