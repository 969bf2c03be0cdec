"""OCID-VLG: sentences about objects in clutter, with the mask of the object and the grasps on it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.readers import (
    BOX_ACROSS_BORDER,
    DataError,
    InstanceReader,
    LoadReport,
    as_id,
    check_box,
    is_usable_text,
    read_corner_lists,
    read_json,
)
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foreign_files import name_problem, shown
from mmvg.foundation import print_log
from mmvg.registry import DATASETS

VERSIONS = ('multiple', 'unique', 'novel-instances', 'novel-classes')
SPLITS = ('train', 'val', 'test')
EXPRESSION_TYPES = ('name', 'attr', 'rel', 'loc', 'mixed', 'unknown')

#: version -> expressions in train, val and test, as users of the data report them.
REPORTED_COUNTS = {
    'multiple': (63221, 8669, 17749),
    'unique': (26295, 3778, 7675),
    'novel-instances': (22423, 2491, 12834),
    'novel-classes': (26247, 2916, 8585),
}
_DIMENSIONS = {'filter_color': 'attr', 'relate': 'rel', 'locate': 'loc'}
_PLAIN_NODES = ('scene', 'filter_category', 'ground', 'unique', 'return')
_INSTANCE_NAME = re.compile(r'^(.+)_(\d+)$')


@DATASETS.register_module()
class OCIDVLGDataset(ReferringDataset):
    """OCID-VLG (arXiv:2311.05779): an item per expression, which means one object; its mask and its grasps.

    Reads ``refer/<version>/<split>_expressions.json`` and the instance images of the scenes; depth, point clouds and
    ``OCID_sub_class_dict.py`` are never touched. For the items see :class:`ReferringDataset`; ``ref_id`` and
    ``sent_id`` are the position of the record, since ``question_index`` is used more than once. They have more keys:
    ``grasps`` (M, 5) float32, M >= 0, see :mod:`mmvg.structures.grasps`; ``expression_type``, one of
    ``EXPRESSION_TYPES``; ``question_index``; ``target``, the name of the object, and ``category``, its class. Boxes are
    those of the file and masks the pixels that hold the number ``answer``, as RLE.

    A box across the border of the image is clipped to it; of one that is not four numbers, or has no area in the image,
    the box around the mask takes the place. A rectangle that is not finite or has no area is left out of ``grasps``. A
    training sample without grasps or without mask is left out; an evaluation keeps it, and a metric of grasps does not
    count one without grasps.

    Args:
        version: ``'multiple'``, ``'unique'``, ``'novel-instances'`` or ``'novel-classes'``.
        split: ``'train'``, ``'val'`` or ``'test'``.
        data_root: Folder that holds ``refer``, ``ARID10`` and ``ARID20``.
        ann_file: The expressions; the default is ``refer/<version>/<split>_expressions.json``.
        check_counts: Whether to compare the split with the reported sizes; off for subsets.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> dataset = OCIDVLGDataset('multiple', 'val', data_root='data/refshapes/ocid_vlg')
        >>> dataset[0]['text'], dataset[0]['category'], dataset[0]['grasps'].shape
        ('white disc on the left', 'disc', (6, 5))
    """

    def __init__(
        self,
        version: str,
        split: str,
        *,
        data_root: str = 'data/OCID-VLG',
        ann_file: str | None = None,
        check_counts: bool = False,
        **common: Any,
    ) -> None:
        self.version = check_choice('version', version, VERSIONS)
        check_choice('split', split, SPLITS)
        self.check_counts = check_counts
        files = dict(expressions=ann_file or f'refer/{version}/{split}_expressions.json')
        super().__init__('ocid_vlg', split, files, img_prefix='', data_root=data_root, **common)

    def load_data_list(self) -> list[dict]:
        """Read the files; called by :meth:`full_init`."""
        file, report = self.files['expressions'], self.load_report
        records = read_json(file, dict).get('data')
        if not isinstance(records, list):
            report.fail('no list "data"', file, 'the file')
        reported = REPORTED_COUNTS[self.version][SPLITS.index(self.split)]
        print_log(f'{file}: {len(records)} expressions; OCID-VLG is reported to have {reported}', 'current')
        if self.check_counts and len(records) != reported:
            raise DataError(
                f'{file}: {len(records)} expressions, but OCID-VLG is reported to have {reported}. '
                'Get the original file, or drop check_counts if this is a subset.'
            )
        places = [check_record(index, record, file, report) for index, record in enumerate(records)]
        image_ids = {place: number for number, place in enumerate(dict.fromkeys(places))}
        reader = InstanceReader(report)
        grouped = sorted(range(len(records)), key=lambda index: image_ids[places[index]])  # an image is read once
        made = {
            index: self.read_record(index, records[index], places[index], image_ids[places[index]], reader)
            for index in grouped
        }
        items = [made[index] for index in range(len(records)) if made[index] is not None]
        return self.checked_items(items)

    def read_record(
        self, index: int, record: dict, place: tuple[str, str], image_id: int, reader: InstanceReader
    ) -> dict | None:
        """Make the item of a record about the image at ``place`` (sequence, name); None if it is left out."""
        file, report = self.files['expressions'], self.load_report
        folder, name = place
        where = f'record {index} ({shown(record["image_filename"])})'
        if not is_usable_text(record['question'], file, where, report):
            return None
        answer = as_id(record['answer'], 'answer', file, where, report)
        mask, box = reader.mask_and_box(f'{self.root}/{folder}/seg_mask_instances_combi/{name}', answer, where)
        grasps, left_out = read_corner_lists(record.get('grasps'))
        if left_out:
            report.problem('grasp that is no rectangle', file, f'{where}: {left_out} of its grasps', 'it is left out')
        if box[2] == 0 and not self._keep('answer that is not in the instance image', f'{where}: answer {answer}'):
            return None
        if not len(grasps) and not self._keep('expression without a grasp', where):
            return None
        path = f'{self.root}/{folder}/rgb/{name}'
        if self.check_images and not Path(path).is_file():
            report.drop('missing image file', path, where)
            return None
        target = record.get('target')
        instance = _INSTANCE_NAME.match(target) if isinstance(target, str) else None
        return dict(
            img_path=path,
            img_id=image_id,
            height=mask['size'][0],
            width=mask['size'][1],
            dataset=self.name,
            ref_id=index,
            sentences=[dict(sent_id=index, text=record['question'])],
            instances=[
                dict(
                    bbox=self._read_box(record.get('box'), box, mask['size'], where),
                    mask=mask,
                    bbox_label=0,
                    ignore_flag=0,
                    ann_id=answer,
                )
            ],
            no_target=False,
            grasps=grasps,
            expression_type=expression_type(record.get('program')),
            question_index=record.get('question_index'),
            target=target,
            category=instance[1] if instance else None,
        )

    def _read_box(self, bbox: Any, around_mask: list[float], size: Sequence[int], where: str) -> list[float]:
        """Return ``[x, y, w, h]`` of the file as ``[x1, y1, x2, y2]``, or else the box around the mask.

        Args:
            bbox: As the file has it.
            around_mask: ``[x1, y1, x2, y2]``.
            size: Height and width of the image.
            where: Which record.
        """
        box, problem = check_box(bbox, *size, box_format='xywh')
        if problem is None:
            return box
        file, what = self.files['expressions'], f'{where}: {shown(bbox)}'
        if problem == BOX_ACROSS_BORDER:
            self.load_report.note(problem, file, what, 'clipped')
            return box
        kind = 'box that is not four numbers' if box is None else problem
        self.load_report.problem(kind, file, what, 'the box around the mask is taken')
        return around_mask

    def _keep(self, kind: str, where: str) -> bool:
        """Say whether to keep a sample that lacks a part of its ground truth."""
        if self.load_report.evaluation:
            self.load_report.problem(kind, self.files['expressions'], where, 'it is kept, and scored where it can be')
        else:
            self.load_report.drop(kind, self.files['expressions'], where)
        return self.load_report.evaluation


def check_record(index: int, record: Any, file: Path, report: LoadReport) -> tuple[str, str]:
    """Return sequence folder and file name of a record.

    Raises:
        DataError: If it lacks ``image_filename``, ``question`` or ``answer``, or its file name has no comma.
    """
    where = f'record {index}'
    if not isinstance(record, dict):
        report.fail('record that is not a dict', file, f'{where} is a {type(record).__name__}')
    for key in ('image_filename', 'question', 'answer'):
        if key not in record:
            report.fail(f'record without {key}', file, f'{where} has only {shown(list(record))}')
    folder, comma, name = (
        record['image_filename'].partition(',') if isinstance(record['image_filename'], str) else ('', '', '')
    )
    if not comma or not name:
        expected = '"<sequence>,<name>.png"'
        report.fail(f'image_filename that is not {expected}', file, f'{where}: {shown(record["image_filename"])}')
    if (problem := name_problem(f'{folder}/{name}')) is not None:
        report.fail(f'image name that {problem}', file, f'{where}: {shown(record["image_filename"])}')
    return folder, name


def expression_type(program: Any) -> str:
    """Say what an expression tells its object by, from the node types of its program.

    ``'name'`` is the class alone, ``'mixed'`` two or more of colour, relation and location, and ``'unknown'`` a program
    that is missing or has a node of a type that is not known.
    """
    if not isinstance(program, list) or not all(isinstance(node, dict) for node in program):
        return 'unknown'
    types = [node.get('type') if isinstance(node.get('type'), str) else None for node in program]
    if not types or any(name not in _DIMENSIONS and name not in _PLAIN_NODES for name in types):
        return 'unknown'
    dimensions = {_DIMENSIONS[name] for name in types if name in _DIMENSIONS}
    return dimensions.pop() if len(dimensions) == 1 else 'mixed' if dimensions else 'name'
