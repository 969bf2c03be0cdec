"""Refs, images and objects of a file that has no numbers for them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmvg.datasets.readers.coco_instances import CocoInstances, check_image_name
from mmvg.datasets.readers.load_report import LoadReport
from mmvg.datasets.readers.orientation import turn_box, turn_mask, turned_size
from mmvg.datasets.readers.pictures import PictureError, open_picture
from mmvg.datasets.readers.refs import Ref, is_usable_text
from mmvg.foreign_files import shown
from mmvg.limits import size_problem
from mmvg.pictures import BACK, exif_orientation


@dataclass(frozen=True)
class Picture:
    """An image of a file, and how its annotations are turned against its pixels.

    Args:
        id: Key into the images.
        width: Of the picture as it was annotated, in pixels.
        height: Of the same.
        orientation: EXIF orientation by which the annotated picture is turned against the file, 1 if it is not.
    """

    id: int
    width: int
    height: int
    orientation: int = 1


class RefBuilder:
    """Numbers images, objects and refs in the order in which they come.

    Args:
        file: Where they come from, for messages.
        image_folder: Holds the images.
        report: Decides whether a problem raises or is repaired and counted.
        outside_images: Whether the name of an image may lead out of the image folder.
        upright: Whether the annotations are in the pixels of upright pictures (:mod:`.orientation`). They are turned
            into those of the file.

    Example:
        >>> builder = RefBuilder(Path('tasks.json'), Path('images'), LoadReport('strict', evaluation=False))
        >>> picture = builder.picture('a.jpg', (640, 480), 'task 1')
        >>> ann_id = builder.target(picture, [10, 20, 30, 40], 'task 1, region 3')
        >>> builder.ref(picture, [ann_id], ['the red mug'], 'task 1').ann_ids
        (1,)
    """

    def __init__(
        self,
        file: Path,
        image_folder: Path,
        report: LoadReport,
        outside_images: bool = False,
        upright: bool = False,
    ) -> None:
        self.outside_images = outside_images
        self.file = file
        self.image_folder = image_folder
        self.report = report
        self.upright = upright
        self.coco = CocoInstances(file, [], [], report, box_format='xyxy')
        self.refs: list[Ref] = []
        self._pictures: dict[str, Picture] = {}
        self._sentences = 0

    def picture(self, name: str, size: Sequence[int] | None, where: str) -> Picture | None:
        """Return the picture ``name``, which has the annotated ``size`` (width, height), by default that of its file.

        None if the size is not known and the file cannot be read; its expressions are skipped.

        Raises:
            DataError: If name or size are none, or the picture must not be skipped.
        """
        if not isinstance(name, str) or not name:
            self.report.fail('record without an image', self.file, f'{where}: {shown(name)}')
        check_image_name(name, self.file, where, self.report, self.outside_images)
        if name in self._pictures:
            return self._pictures[name]
        size = self._size_of_file(name, where) if size is None else size
        if size is None:
            return None
        if not all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in size):
            self.report.fail('width and height that are not pixels', self.file, f'{where}: {shown(list(size))}')
        width, height = size
        if (problem := size_problem(height, width)) is not None:
            self.report.fail('image of an impossible size', self.file, f'{where}: {problem}')
        orientation = self._orientation(name, width, height) if self.upright else 1
        file_width, file_height = turned_size(width, height, BACK[orientation])
        made = self._pictures[name] = Picture(len(self._pictures) + 1, width, height, orientation)
        self.coco.images[made.id] = dict(id=made.id, file_name=name, width=file_width, height=file_height)
        return made

    def target(self, picture: Picture, box: Any, where: str, mask: list | dict | None = None, iscrowd: int = 0) -> int:
        """Add an object of a picture, as it is annotated there, and return its id.

        Args:
            picture: Of this builder.
            box: ``[x1, y1, x2, y2]`` in pixels.
            where: How messages call it, so that it can be found in the file.
            mask: Polygons, an RLE, or None if there is none.
            iscrowd: As in COCO.
        """
        if picture.orientation != 1:
            back = (picture.width, picture.height, BACK[picture.orientation])
            box = turn_box(box, *back)
            mask = None if mask is None else turn_mask(mask, *back)
        ann_id = len(self.coco.annotations) + 1
        annotation = dict(id=ann_id, image_id=picture.id, bbox=box, segmentation=mask, iscrowd=iscrowd)
        self.coco.annotations[ann_id] = annotation
        self.coco.places[ann_id] = where
        return ann_id

    def targets(self, picture: Picture, boxes: Iterable[Any], where: str) -> list[int]:
        """Add objects without masks, which are called after their position in ``boxes``, and return their ids."""
        return [self.target(picture, box, f'{where}, box {position}') for position, box in enumerate(boxes)]

    def ref(
        self,
        picture: Picture,
        ann_ids: Iterable[int],
        texts: Sequence[str],
        where: str,
        split: str = '',
        ref_id: int | None = None,
        record: dict | None = None,
    ) -> Ref | None:
        """Add the expressions ``texts``, which mean ``ann_ids``; None if none of them is a sentence."""
        sentences = []
        for text in texts:
            if is_usable_text(text, self.file, where, self.report):
                self._sentences += 1
                sentences.append(dict(sent_id=self._sentences, text=text))
        if not sentences:
            return None
        ref_id = len(self.refs) + 1 if ref_id is None else ref_id
        made = Ref(ref_id, picture.id, tuple(ann_ids), split, sentences, record or {})
        self.refs.append(made)
        return made

    def meanings(self, picture: Picture, meant: Mapping[str, list[int]], where: str, split: str) -> None:
        """Add the expressions of a picture, expression -> objects; those with the same objects become one ref."""
        by_targets: dict[tuple[int, ...], list[str]] = {}
        for text, ann_ids in meant.items():
            by_targets.setdefault(tuple(ann_ids), []).append(text)
        for ann_ids, texts in by_targets.items():
            self.ref(picture, ann_ids, texts, where, split)

    def _orientation(self, name: str, width: int, height: int) -> int:
        """Return the orientation of the file, unless the annotated size is that of the file as it lies there."""
        path = self.image_folder / name
        try:
            with open_picture(path) as picture:
                orientation, size = exif_orientation(picture), picture.size
        except (FileNotFoundError, PictureError):  # which is said when the picture is needed
            return 1
        return 1 if orientation >= 5 and width != height and size == (width, height) else orientation

    def _size_of_file(self, name: str, where: str) -> tuple[int, int] | None:
        path = self.image_folder / name
        try:
            with open_picture(path) as picture:
                return turned_size(*picture.size, exif_orientation(picture)) if self.upright else picture.size
        except FileNotFoundError:
            self.report.drop('missing image file', path, f'{where} of {self.file}')
        except PictureError as error:
            self.report.drop('image that cannot be decoded', path, f'{where} of {self.file}: {error}')
        return None
