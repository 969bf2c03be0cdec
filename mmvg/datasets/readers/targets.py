"""From a COCO annotation to a target: a box in xyxy and a mask, both checked."""

from typing import Any, NamedTuple

from mmvg.datasets.readers.coco_instances import CocoInstances
from mmvg.datasets.readers.load_report import LoadReport
from mmvg.datasets.readers.segmentations import check_segmentation, is_finite_number
from mmvg.foreign_files import shown

BOX_WITHOUT_AREA = 'box without area in the image'
BOX_ACROSS_BORDER = 'box across the border of the image'


class CheckedBox(NamedTuple):
    """What is usable of one box.

    Args:
        box: ``[x1, y1, x2, y2]`` in pixels, clipped to the image, with x1 <= x2 and y1 <= y2; None if there is none.
        problem: What was wrong with it; None if nothing was.
    """

    box: list[float] | None
    problem: str | None = None


def check_box(bbox: Any, height: int, width: int, box_format: str = 'xyxy', clip_to: str = 'edge') -> CheckedBox:
    """Check the box of an object in an image of ``height`` x ``width`` pixels, and clip it.

    Args:
        bbox: As the file has it.
        height: Of the image, in pixels.
        width: Of the same.
        box_format: See :class:`CocoInstances`.
        clip_to: See :class:`TargetReader`.

    Example:
        >>> check_box([10, 10, 90, 20], height=60, width=80, box_format='xywh')
        CheckedBox(box=[10.0, 10.0, 80.0, 30.0], problem='box across the border of the image')
        >>> check_box([10, 10, 10, 5], height=60, width=80).problem
        'box without area in the image'
    """
    if not isinstance(bbox, list | tuple) or len(bbox) != 4 or not all(map(is_finite_number, bbox)):
        return CheckedBox(None, 'bbox that is not four numbers')
    unclipped = list(map(float, bbox))
    if box_format == 'xywh':
        x, y, w, h = unclipped
        unclipped = [x, y, x + w, y + h]
    margin = 1 if clip_to == 'last_pixel' else 0
    limits = [width - margin, height - margin] * 2
    box = [min(max(value, 0.0), float(limit)) for value, limit in zip(unclipped, limits, strict=True)]
    if box[2] <= box[0] or box[3] <= box[1]:
        return CheckedBox([*box[:2], max(box[0], box[2]), max(box[1], box[3])], BOX_WITHOUT_AREA)
    return CheckedBox(box, BOX_ACROSS_BORDER if box != unclipped else None)


class TargetReader:
    """Turns annotation ids into the ``instances`` of a data item, each annotation once.

    Args:
        coco: Images and annotations.
        report: Decides whether a problem raises or is repaired and counted.
        crowd: ``'drop'`` leaves annotations with ``iscrowd = 1`` out of the targets (GRES), ``'keep'`` does not (GREC).
        clip_to: Boxes are clipped to ``'edge'``, [0, w] and [0, h], or to ``'last_pixel'``, [0, w - 1] and [0, h - 1].
        with_mask: Whether the annotations have segmentations to read; None: those that have one.
    """

    def __init__(
        self, coco: CocoInstances, report: LoadReport, crowd: str, clip_to: str, with_mask: bool | None
    ) -> None:
        self.coco = coco
        self.file = coco.file
        self.report = report
        self.crowd = crowd
        self.clip_to = clip_to
        self.with_mask = with_mask
        self._read: dict[int, dict | None] = {}

    def targets(self, ann_ids: tuple[int, ...], image_id: int, ref_id: int) -> list[dict]:
        """Return the usable targets of one ref, in its order.

        Raises:
            DataError: If an annotation does not exist or belongs to another image, whatever the mode.
        """
        found = []
        if len(set(ann_ids)) < len(ann_ids):
            where = f'ref_id {ref_id}: {shown(list(ann_ids))}'
            self.report.note('object named twice by a ref', self.file, where, 'it counts once')
        for ann_id in dict.fromkeys(ann_ids):
            annotation = self.coco.annotation(ann_id, image_id, ref_id)
            if ann_id not in self._read:
                self._read[ann_id] = self._read_instance(ann_id, annotation, image_id)
            if self._read[ann_id] is not None:
                found.append(self._read[ann_id])
        return found

    def where(self, annotation: dict, image_id: int) -> str:
        """Say how a message calls an annotation, so that it can be found in ``file``."""
        place = self.coco.places.get(annotation['id'])
        return place or f'annotation id {annotation["id"]} (image_id {image_id})'

    def _read_instance(self, ann_id: int, annotation: dict, image_id: int) -> dict | None:
        where = self.where(annotation, image_id)
        if self.crowd == 'drop' and annotation.get('iscrowd', 0) == 1:
            self.report.note('crowd annotation among the targets', self.file, where, 'left out of the targets')
            return None
        image = self.coco.images[image_id]
        height, width = image['height'], image['width']
        box = self._read_box(annotation.get('bbox'), height, width, where)
        if box is None:
            return None
        instance = dict(bbox=box, bbox_label=0, ignore_flag=0, ann_id=ann_id)
        segmentation = annotation.get('segmentation')
        if self.with_mask or (self.with_mask is None and segmentation is not None):
            instance['mask'] = self._read_mask(segmentation, height, width, where)
            if instance['mask'] is None:
                return None
        return instance

    def _read_box(self, bbox: Any, height: int, width: int, where: str) -> list[float] | None:
        """Return ``bbox`` as ``[x1, y1, x2, y2]`` in pixels, clipped to the image; None drops the instance."""
        box, problem = check_box(bbox, height, width, self.coco.box_format, self.clip_to)
        what = f'{where}: {shown(bbox)}'
        if problem == BOX_ACROSS_BORDER:
            self.report.note(problem, self.file, what, 'clipped')
        elif problem is not None:
            kept = box is not None and self.report.evaluation
            action = 'kept, no prediction can match it' if kept else 'the target is left out'
            self.report.problem(problem, self.file, what, action)
            return box if kept else None
        return box

    def _read_mask(self, segmentation: Any, height: int, width: int, where: str) -> list | dict | None:
        file = self.file
        checked = check_segmentation(segmentation, height, width)
        for kind, what in checked.problems:
            action = 'that polygon is left out' if kind == 'damaged polygon' else 'the target is left out'
            self.report.problem(kind, file, f'{where}: {what}', action)
        if checked.covers_nothing:
            self.report.problem('mask without a pixel in the image', file, where, 'kept, its IoU is 0')
        return checked.mask
