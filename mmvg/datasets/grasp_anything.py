"""Grasp-Anything++: instructions about parts of objects in synthesised pictures, with the mask and the grasps."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.checks import check_choice
from mmvg.datasets.readers import (
    GRASP_ANYTHING_SIDE,
    PartId,
    SampleError,
    file_stems,
    folder_or_doubled,
    match_part_id,
    parse_part_id,
    part_name,
    read_grasp_rows,
    read_id_list,
    read_instruction,
    read_label,
    read_part_mask,
)
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foundation import print_log
from mmvg.masks import encode_mask, mask_box
from mmvg.registry import DATASETS

NOVELTIES = ('seen', 'unseen')
SPLIT_FILES = {
    'train': {'seen': 'split/grasp-anything++/train/seen.obj'},
    'test': {
        'seen': 'split/grasp-anything++/test/seen.obj',
        'unseen': 'split/grasp-anything++/test/unseen.obj',
    },
}


@DATASETS.register_module()
class GraspAnythingDataset(ReferringDataset):
    """Grasp-Anything++ (arXiv:2406.09489): an item per instruction, which means one part of an object.

    Reads the lists of a split, and for each part that they name ``grasp_instructions/<id>.pkl``,
    ``part_mask/<id>.npy``, ``grasp_label_positive/<id>.pt`` and ``image/<scene>.jpg``, where an id is
    ``<scene>_<object>_<part>``. Folders may be doubled, as some archives unpack. A list names parts or whole objects,
    as JSON, a text file with a name per line, or a pickle. Contents are read when an item is accessed; a part of which
    a file is missing is left out. One whose mask has no pixel is an error; a tolerant training skips and counts it, and
    a tolerant evaluation keeps it, with an IoU of 0.

    For the items see :class:`ReferringDataset`; ``ref_id`` and ``sent_id`` are the position among the items. They have
    more keys: ``grasps`` (M, 5) float32, M >= 0, see :mod:`mmvg.structures.grasps`; ``novelty``, ``'seen'`` or
    ``'unseen'`` by the list; and ``part_id``. The quality of the labels is not used.

    Args:
        split: ``'train'`` or ``'test'``.
        data_root: Folder that holds the others.
        split_files: Novelty -> list of ids, below the root; by default those of the LGD repository, ``SPLIT_FILES``.
        mode: As in :class:`ReferringDataset`; tolerant leaves out incomplete parts of an evaluation as well, and counts
            them.
        check_images: Whether to look for the four files of every part while loading.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> dataset = GraspAnythingDataset('test', data_root='data/refshapes/grasp_anything')
        >>> dataset[0]['text'], dataset[0]['novelty'], dataset[0]['grasps'].shape
        ('The black arrow.', 'seen', (6, 5))
    """

    def __init__(
        self,
        split: str,
        *,
        data_root: str = 'data/grasp-anything',
        split_files: Mapping[str, str] | None = None,
        check_images: bool = True,
        **common: Any,
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
        images = str(self.folders['image'].relative_to(root))
        common.update(data_root=data_root, check_images=check_images)
        super().__init__('grasp_anything', split, self.split_files, images, **common)

    def load_data_list(self) -> list[dict]:
        """Read the lists, and look which files are there; called by :meth:`full_init`."""
        report = self.load_report
        items: list[dict] = []
        image_ids: dict[str, int] = {}
        for novelty, file in self.files.items():
            listed = [parse_part_id(text, file, report) for text in read_id_list(file)]
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
                        height=GRASP_ANYTHING_SIDE,
                        width=GRASP_ANYTHING_SIDE,
                        dataset=self.name,
                        ref_id=len(items),
                        part_id=part_name(part),
                        novelty=novelty,
                        no_target=False,
                    )
                )
        self.checked_items(items)
        counts = ', '.join(f'{sum(item["novelty"] == name for item in items)} {name}' for name in self.files)
        print_log(f'{self.root}: {len(items)} instructions ({counts}) of {len(image_ids)} scenes', 'current')
        return items

    def get_data_info(self, idx: int) -> dict:
        """Read the sentence, mask and grasps of the item ``idx``.

        Raises:
            DataError: If one of the files is damaged or holds something else, or (:class:`SampleError`) the mask has
                no pixel.
        """
        item = super().get_data_info(idx)
        name = item['part_id']
        mask = encode_mask(self._read_mask(name))
        grasps, left_out = read_grasp_rows(read_label(self.folders['grasp_label_positive'] / f'{name}.pt'))
        if left_out:
            print_log(f'{name}: {left_out} rows of its label are no grasps and are left out', 'current')
        text = read_instruction(self.folders['grasp_instructions'] / f'{name}.pkl')
        item['sentences'] = [dict(sent_id=item['ref_id'], text=text)]
        item['instances'] = [dict(bbox=mask_box(mask), mask=mask, bbox_label=0, ignore_flag=0, ann_id=item['ref_id'])]
        item['grasps'] = grasps
        return item

    def _read_mask(self, name: str) -> np.ndarray:
        file = self.folders['part_mask'] / f'{name}.npy'
        mask = read_part_mask(file) == 1
        if not mask.any():
            kind = f'{file}: mask without a pixel in the image: part {name}'
            if self.load_report.mode == 'strict' or not self.load_report.evaluation:
                cure = "Draw it again, take the part off the list, or use mode='tolerant': then a training skips it."
                raise SampleError(f'{kind}. {cure}')
            print_log(f'{kind}; it is kept, its IoU is 0', 'current')
        return mask

    def parts(self, listed: Sequence[PartId], file: Path) -> list[PartId]:
        """Expand a list to single parts, in its order; the parts of an object are those that have an instruction."""
        wanted = {(part.scene, part.object) for part in listed if part.part is None}
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name in file_stems(self.folders['grasp_instructions'], '.pkl') if wanted else ():
            part = match_part_id(name)
            if part and part.part is not None and (part.scene, part.object) in wanted:
                found[part.scene, part.object].append(part.part)
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
        """Return where the image, instruction, label and mask of a part are."""
        name = part_name(part)
        return {
            'image': f'{self.folders["image"]}/{part.scene}.jpg',
            'instruction': f'{self.folders["grasp_instructions"]}/{name}.pkl',
            'label': f'{self.folders["grasp_label_positive"]}/{name}.pt',
            'mask': f'{self.folders["part_mask"]}/{name}.npy',
        }
