"""Grasp-Anything++: instructions about parts of objects in synthesised pictures, with the mask and the grasps."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from mmengine.logging import print_log

from mmvg.checks import check_choice
from mmvg.datasets.grasp_lists import read_grasp_rows
from mmvg.datasets.load_report import DataError, LoadReport
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.datasets.safe_reading import read_json, read_pickle
from mmvg.masks import encode_mask, mask_box
from mmvg.registry import DATASETS

SIDE = 416  # pixels of every picture, whose coordinates the labels are in
NOVELTIES = ('seen', 'unseen')
SPLIT_FILES = {
    'train': {'seen': 'split/grasp-anything++/train/seen.obj'},
    'test': {
        'seen': 'split/grasp-anything++/test/seen.obj',
        'unseen': 'split/grasp-anything++/test/unseen.obj',
    },
}
_ID = re.compile(r'^([^_]+)_(\d+)(?:_(\d+))?$')  # a scene has no _ in its name


class PartId(NamedTuple):
    """A scene, an object in it, and a part of that; ``part`` is None for all of its parts."""

    scene: str
    object: str
    part: str | None


@DATASETS.register_module()
class GraspAnythingDataset(ReferringDataset):
    """Grasp-Anything++ (arXiv:2406.09489): an item per instruction, which means one part of an object.

    Reads the lists of a split, and for each part that they name ``grasp_instructions/<id>.pkl``,
    ``part_mask/<id>.npy``, ``grasp_label_positive/<id>.pt`` and ``image/<scene>.jpg``, where an id is
    ``<scene>_<object>_<part>``. Folders may be doubled, as some archives unpack. A list names parts or whole objects,
    as JSON, a text file with a name per line, or a pickle. Contents are read when an item is accessed; a part of which
    a file is missing is left out.

    For the items see :class:`ReferringDataset`; ``ref_id`` and ``sent_id`` are the position among the items. They have
    more keys: ``grasps`` (M, 5) float32, M >= 0, see :mod:`mmvg.structures.grasps`; ``novelty``, ``'seen'`` or
    ``'unseen'`` by the list; and ``part_id``. The quality of the labels is not used.

    Args:
        split: ``'train'`` or ``'test'``.
        data_root: Folder that holds the others.
        split_files: Novelty -> list of ids, below the root; by default those of the LGD repository, ``SPLIT_FILES``.
        mode: ``'strict'`` or ``'tolerant'``, see :class:`ReferringDataset`; tolerant leaves out incomplete parts of an
            evaluation as well, and counts them.
        check_images: Whether to look for the four files of every part while loading.
        pipeline: Transforms.
        test_mode: As in :class:`mmengine.dataset.BaseDataset`, like the rest.
        lazy_init: Whether to read the files later.
        serialize_data: Whether to keep the items as bytes that the workers share.
        indices: Use only the first so many items, or these.
        max_refetch: How many unusable training samples in a row are replaced by others.
    """

    def __init__(
        self,
        split: str,
        data_root: str = 'data/grasp-anything',
        split_files: Mapping[str, str] | None = None,
        mode: str = 'strict',
        check_images: bool = True,
        pipeline: Sequence[dict | Callable] = (),
        test_mode: bool = False,
        lazy_init: bool = False,
        serialize_data: bool = True,
        indices: int | Sequence[int] | None = None,
        max_refetch: int = 100,
    ) -> None:
        check_choice('split', split, tuple(SPLIT_FILES))
        self.split_files = dict(split_files or SPLIT_FILES[split])
        for novelty in self.split_files:
            check_choice('novelty in split_files', novelty, NOVELTIES)
        root = Path(data_root)
        self.folders = {
            name: folder_or_doubled(root, name)
            for name in ('image', 'grasp_instructions', 'grasp_label_positive', 'part_mask')
        }
        super().__init__(
            name='grasp_anything',
            data_root=data_root,
            img_prefix=str(self.folders['image'].relative_to(root)),
            split=split,
            sentence_mode='all',
            mode=mode,
            check_images=check_images,
            pipeline=pipeline,
            test_mode=test_mode,
            lazy_init=lazy_init,
            serialize_data=serialize_data,
            indices=indices,
            max_refetch=max_refetch,
        )

    def required_files(self) -> list[Path]:
        return [self.root / file for file in self.split_files.values()]

    def load_data_list(self) -> list[dict]:
        """Read the lists, and look which files are there; called by :meth:`full_init`."""
        report = self.load_report
        items: list[dict] = []
        image_ids: dict[str, int] = {}
        for novelty, name in self.split_files.items():
            file = self.root / name
            listed = [parse_id(text, file, report) for text in read_id_list(file)]
            for part in self.parts(listed, file):
                paths = self.paths(part)
                missing = [path for path in paths.values() if self.check_images and not os.path.isfile(path)]
                if missing:
                    where = f'{part_name(part)}: {", ".join(missing)}'
                    report.problem('part of which a file is missing', file, where, 'it is left out')
                    continue
                items.append(
                    dict(
                        img_path=paths['image'],
                        img_id=image_ids.setdefault(part.scene, len(image_ids)),
                        height=SIDE,
                        width=SIDE,
                        dataset=self.name,
                        ref_id=len(items),
                        part_id=part_name(part),
                        novelty=novelty,
                        no_target=False,
                    )
                )
        report.log()
        if not items:
            raise DataError(f'{self.root}: no usable sample of {self.split!r} is left; {"; ".join(report.lines())}')
        counts = ', '.join(f'{sum(item["novelty"] == name for item in items)} {name}' for name in self.split_files)
        print_log(f'{self.root}: {len(items)} instructions ({counts}) of {len(image_ids)} scenes', 'current')
        return items

    def get_data_info(self, idx: int) -> dict:
        """The item ``idx`` with its sentence, mask and grasps.

        Raises:
            DataError: If one of the files is damaged or holds something else.
        """
        item = super().get_data_info(idx)
        name = item['part_id']
        mask = encode_mask(read_part_mask(self.folders['part_mask'] / f'{name}.npy') == 1)
        grasps, left_out = read_grasp_rows(read_label(self.folders['grasp_label_positive'] / f'{name}.pt'))
        if left_out:
            print_log(f'{name}: {left_out} rows of its label are no grasps and are left out', 'current')
        text = read_instruction(self.folders['grasp_instructions'] / f'{name}.pkl')
        item['sentences'] = [dict(sent_id=item['ref_id'], text=text)]
        item['instances'] = [dict(bbox=mask_box(mask), mask=mask, bbox_label=0, ignore_flag=0, ann_id=item['ref_id'])]
        item['grasps'] = grasps
        return item

    def parts(self, listed: Sequence[PartId], file: Path) -> list[PartId]:
        """Single parts, in the order of the list; the parts of an object are those that have an instruction."""
        wanted = {(part.scene, part.object) for part in listed if part.part is None}
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name in _stems(self.folders['grasp_instructions'], '.pkl') if wanted else ():
            match = _ID.match(name)
            if match and match[3] is not None and (match[1], match[2]) in wanted:
                found[match[1], match[2]].append(match[3])
        parts: dict[PartId, None] = {}
        for part in listed:
            if part.part is not None:
                parts[part] = None
                continue
            own = sorted(found[part.scene, part.object], key=int)
            if not own:
                self.load_report.problem('object without an instruction', file, part_name(part), 'it is left out')
            parts.update(dict.fromkeys(part._replace(part=number) for number in own))
        return list(parts)

    def paths(self, part: PartId) -> dict[str, str]:
        """Where the image, instruction, label and mask of a part are."""
        name = part_name(part)
        return {
            'image': f'{self.folders["image"]}/{part.scene}.jpg',
            'instruction': f'{self.folders["grasp_instructions"]}/{name}.pkl',
            'label': f'{self.folders["grasp_label_positive"]}/{name}.pt',
            'mask': f'{self.folders["part_mask"]}/{name}.npy',
        }


def folder_or_doubled(root: Path, name: str) -> Path:
    """``root/name``, or ``root/name/name`` if that is what an archive made of it."""
    return root / name / name if (root / name / name).is_dir() else root / name


def read_id_list(file: Path) -> list[str]:
    """The names in a list: JSON (``.json``), a line each (``.txt``), or a pickle of a list.

    Raises:
        DataError: If the file is damaged or holds something else.
    """
    if file.suffix == '.txt':
        return [line.strip() for line in file.read_text().splitlines() if line.strip()]
    names = (read_json if file.suffix == '.json' else read_pickle)(file, list)
    for position, name in enumerate(names):
        if not isinstance(name, str):
            raise DataError(
                f'{file}: entry {position} is a {type(name).__name__}, expected the id of an object or part'
            )
    return names


def parse_id(text: str, file: Path, report: LoadReport) -> PartId:
    """``<scene>_<object>`` or ``<scene>_<object>_<part>``; numbers may have any number of digits.

    Raises:
        DataError: If it is neither.
    """
    match = _ID.match(text)
    if match is None:
        report.fail('id that is not <scene>_<object> or <scene>_<object>_<part>', file, repr(text))
    return PartId(*match.groups())


def part_name(part: PartId) -> str:
    """The id of a part or object, as its files are called."""
    return '_'.join(piece for piece in part if piece is not None)


def read_instruction(file: Path) -> str:
    """The sentence in a pickle of a str, or of a list whose first element is one."""
    content: Any = read_pickle(file, object)
    text = content[0] if isinstance(content, list | tuple) and content else content
    if not isinstance(text, str):
        raise DataError(f'{file} holds a {type(content).__name__}, expected an instruction. Download the file again.')
    return text


def read_label(file: Path) -> np.ndarray:
    """The tensor of a label file as an array; nothing but a tensor is ever built from it."""
    import torch

    try:
        rows = torch.load(file, map_location='cpu', weights_only=True)
    except Exception as error:  # damaged archives end in almost any exception
        raise DataError(
            f'{file} cannot be loaded as a tensor: {type(error).__name__}: {str(error).splitlines()[0]}. '
            'Download the file again.'
        ) from error
    if not isinstance(rows, torch.Tensor):
        raise DataError(f'{file} holds a {type(rows).__name__}, expected a tensor of grasps. Download the file again.')
    return rows.numpy()


def read_part_mask(file: Path) -> np.ndarray:
    """A mask (416, 416) uint8 of 0 and 1; of another size it is scaled, of other values it is where they are > 0."""
    try:
        mask = np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f'{file} cannot be loaded as a mask: {error}. Download the file again.') from error
    mask = np.squeeze(mask)
    if mask.ndim != 2 or mask.dtype.kind not in 'buif':
        raise DataError(f'{file} holds {mask.dtype} of {mask.shape}, expected a mask. Download the file again.')
    mask = (mask > 0).astype(np.uint8)
    if mask.shape != (SIDE, SIDE):
        mask = cv2.resize(mask, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST_EXACT)
    return mask


def _stems(folder: Path, suffix: str) -> Iterable[str]:
    """Names of the files in a folder of millions, without ``suffix``."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(suffix):
                yield entry.name.removesuffix(suffix)
