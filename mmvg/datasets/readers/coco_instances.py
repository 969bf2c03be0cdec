"""instances.json: the images and annotations that all refs files point into."""

from pathlib import Path
from typing import Any, Literal

from mmvg.datasets.readers.load_report import LoadReport
from mmvg.datasets.readers.refs import as_id
from mmvg.datasets.readers.safe_reading import read_json
from mmvg.foreign_files import name_problem, shown
from mmvg.limits import size_problem


class CocoInstances:
    """Holds images and annotations by id; one is checked when it is asked for, since most are never referred to.

    Args:
        file: Where they come from, for messages.
        images: Records with ``id``, ``file_name``, ``height`` and ``width``.
        annotations: Records with ``id``, ``image_id``, ``bbox``, ``segmentation`` and ``iscrowd``.
        report: Decides whether a problem raises or is repaired and counted.
        box_format: ``'xywh'``, ``bbox`` is ``[x, y, width, height]`` as COCO writes it, or ``'xyxy'``, it is
            ``[x1, y1, x2, y2]``.
    """

    def __init__(
        self,
        file: str | Path,
        images: list[dict],
        annotations: list[dict],
        report: LoadReport,
        box_format: Literal['xywh', 'xyxy'] = 'xywh',
    ) -> None:
        self.outside_images = False
        #: Annotation id -> how messages call it, where a file has no ids that could be found in it.
        self.places: dict[int, str] = {}
        self.file = file
        self.report = report
        self.box_format = box_format
        self.images = self._by_id(images, 'image')
        self.annotations = self._by_id(annotations, 'annotation')
        self._checked_images: set[int] = set()

    def _by_id(self, records: list[Any], kind: str) -> dict[int, dict]:
        found: dict[int, dict] = {}
        for position, record in enumerate(records):
            if not isinstance(record, dict) or 'id' not in record:
                self.report.fail(f'{kind} without id', self.file, f'{kind}s[{position}] is {shown(record)}')
            key = as_id(record['id'], 'id', self.file, f'{kind}s[{position}]', self.report)
            if key not in found:
                found[key] = record
                continue
            self.report.problem(f'duplicate {kind} id', self.file, f'{kind} id {key}', 'an identical copy is ignored')
            if found[key] != record:
                self.report.fail(f'two different {kind}s with one id', self.file, f'{kind} id {key}')
        return found

    def image(self, image_id: int, ref_id: int) -> dict | None:
        """Return the image of a ref, or None if the ref has to be skipped because there is none.

        Raises:
            DataError: If the image has no usable name and size, or if there is none and it must not be skipped.
        """
        if image_id not in self.images:
            self.report.drop('image_id that is not in images', self.file, f'image_id {image_id} of ref_id {ref_id}')
            return None
        image = self.images[image_id]
        if image_id in self._checked_images:
            return image
        sizes = [image.get('height'), image.get('width')]
        if not all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in sizes):
            self.report.fail(
                'image without a size', self.file, f'image_id {image_id}: height and width are {shown(sizes)}'
            )
        if (problem := size_problem(*sizes)) is not None:
            self.report.fail('image of an impossible size', self.file, f'image_id {image_id}: {problem}')
        name = image.get('file_name')
        if not isinstance(name, str) or not name:
            self.report.fail('image without a file_name', self.file, f'image_id {image_id}: {shown(name)}')
        check_image_name(name, self.file, f'image_id {image_id}', self.report, self.outside_images)
        self._checked_images.add(image_id)
        return image

    def annotation(self, ann_id: int, image_id: int, ref_id: int) -> dict:
        """Return the annotation ``ann_id`` that a ref names as its target.

        Raises:
            DataError: If there is none, or if it lies in another image than the ref.
        """
        annotation = self.annotations.get(ann_id)
        if annotation is None:
            self.report.fail('annotation that does not exist', self.file, f'ann_id {ann_id} of ref_id {ref_id}')
        where = f'annotation id {ann_id}'
        owner = as_id(annotation.get('image_id'), 'image_id', self.file, where, self.report)
        if owner != image_id:
            self.report.fail(
                'annotation of another image',
                self.file,
                f'ref_id {ref_id} means image_id {image_id}, but its ann_id {ann_id} lies in image_id {owner}',
            )
        return annotation


def check_image_name(name: str, file: str | Path, where: str, report: LoadReport, outside: bool) -> None:
    """Check that the name of an image leads to a place below the image folder.

    Args:
        name: As the file has it.
        file: Where it stands, for messages.
        where: Which record.
        report: Gets the problem.
        outside: Whether it may lead out of the folder.

    Raises:
        DataError: If it does not.
    """
    problem = name_problem(name, outside)
    if problem is not None:
        hint = '' if outside or name_problem(name, True) else '; set outside_images=True if it is meant to'
        report.fail(f'image name that {problem}', file, f'{where}: {shown(name)}{hint}')


def read_coco_instances(file: str | Path, report: LoadReport) -> CocoInstances:
    """Read an instances.json.

    Raises:
        DataError: If the file is damaged, or has no lists ``images`` and ``annotations``.
    """
    content = read_json(file, dict)
    for key in ('images', 'annotations'):
        if not isinstance(content.get(key), list):
            report.fail(f'no list {key!r}', file, f'its keys are {shown(list(content))}')
    return CocoInstances(file, content['images'], content['annotations'], report)
