"""Exports of CVAT in its own format, "CVAT for images 1.1"."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from mmvg.datasets.readers import CocoInstances, DataError, LoadReport, Ref, RefBuilder
from mmvg.datasets.readers.ref_builder import Picture
from mmvg.datasets.readers.xml_files import read_xml
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foreign_files import shown
from mmvg.masks import encode_mask
from mmvg.registry import DATASETS

_SHAPES = ('box', 'polygon', 'mask', 'ellipse')


@DATASETS.register_module()
class CVATDataset(ReferringDataset):
    """Shapes drawn in CVAT, and the expressions in one of their attributes.

    Reads ``annotations.xml`` of "CVAT for images 1.1": boxes, polygons, masks and ellipses in pixels of the upright
    picture, which are turned into those of the file where EXIF says that it was turned. The attribute ``attribute`` of
    a shape holds its expressions, one a line; a shape without it is "the <label>". Shapes of a picture with one
    expression are its targets. A tag with the attribute says that it means nothing there. Polygons, masks and ellipses
    are masks, with the box around them; a rotated box becomes the box around it. For the items see
    :class:`ReferringDataset`.

    Args:
        ann_file: The file, below ``data_root``.
        split: Images with another ``subset`` are left out, whatever its case; those without one are not.
        img_prefix: Image folder.
        attribute: Name of the attribute of labels that holds expressions.
        phrase: Template of the expression of a label.
        name: Value of ``dataset`` in every item.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / 'images').mkdir()
        >>> _ = (root / 'images/a.png').write_bytes(b'')
        >>> box = '<box label="mug" xtl="10" ytl="10" xbr="30" ybr="40"/>'
        >>> image = f'<image id="0" name="a.png" width="80" height="60">{box}</image>'
        >>> _ = (root / 'annotations.xml').write_text(f'<annotations>{image}</annotations>')
        >>> item = CVATDataset(data_root=str(root))[0]
        >>> item['text'], item['instances'][0]['bbox']
        ('the mug', [10.0, 10.0, 30.0, 40.0])
    """

    with_mask = None

    def __init__(
        self,
        ann_file: str = 'annotations.xml',
        split: str = 'train',
        *,
        img_prefix: str = 'images',
        attribute: str = 'expression',
        phrase: str = 'the {}',
        name: str = 'cvat',
        **common: Any,
    ) -> None:
        self.attribute = attribute
        self.phrase = phrase
        super().__init__(name, split, dict(shapes=ann_file), img_prefix, **common)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        file, report = self.files['shapes'], self.load_report
        root = read_xml(file, 'annotations', report)
        if root.find('track') is not None:
            report.fail('tracks', file, 'export as "CVAT for images 1.1", not "CVAT for video 1.1"')
        builder = RefBuilder(file, self.image_folder, report, self.outside_images, upright=True)
        for image in root.iter('image'):
            subset = image.get('subset')
            if subset is not None and subset.lower() != self.split.lower():
                continue
            where = f'image {image.get("id")}'
            size = [_number(image, side, where, file, report, whole=True) for side in ('width', 'height')]
            picture = builder.picture(image.get('name'), size, where)
            if picture is not None:
                self._read_image(image, picture, where, builder)
        if not builder.refs:
            raise DataError(f'{file}: no image of split {self.split!r} has a shape')
        return builder.refs, builder.coco

    def _read_image(self, image: ElementTree.Element, picture: Picture, where: str, builder: RefBuilder) -> None:
        meant: dict[str, list[int]] = {}
        for position, shape in enumerate(image):
            at = f'{where}, {shape.tag} {position}'
            texts = self._texts(shape)
            if shape.tag == 'tag' and texts:
                builder.ref(picture, (), texts, at, self.split)
            elif shape.tag in _SHAPES:
                box, mask = self._geometry(shape, picture, at)
                ann_id = builder.target(picture, box, at, mask)
                for text in texts or [self.phrase.format(shape.get('label'))]:
                    meant.setdefault(text, []).append(ann_id)
            elif shape.tag != 'tag':
                self.load_report.note(f'shape that is a {shape.tag}', self.files['shapes'], at, 'left out')
        builder.meanings(picture, meant, where, self.split)

    def _texts(self, shape: ElementTree.Element) -> list[str]:
        found = [a.text or '' for a in shape.iter('attribute') if a.get('name') == self.attribute]
        return [line.strip() for text in found for line in text.splitlines() if line.strip()]

    def _geometry(
        self, shape: ElementTree.Element, picture: Picture, where: str
    ) -> tuple[list[float], list | dict | None]:
        """Return box and mask of a shape in pixels of the upright picture."""
        file, report = self.files['shapes'], self.load_report

        def read(*keys: str) -> list[float]:
            return [_number(shape, key, where, file, report) for key in keys]

        turn = read('rotation')[0] if shape.get('rotation') else 0.0
        if shape.tag == 'mask':
            return _cvat_mask(shape, picture, where, file, report)
        if shape.tag == 'polygon':
            try:
                points = np.array([point.split(',') for point in shape.get('points', '').split(';')], dtype=float)
                points = points.reshape(-1, 2)
            except ValueError:
                report.fail('damaged polygon', file, f'{where}: {shown(shape.get("points"))}')
        elif shape.tag == 'ellipse':
            x, y, rx, ry = read('cx', 'cy', 'rx', 'ry')
            turns = np.linspace(0, 2 * np.pi, 72, endpoint=False)
            points = np.stack([x + rx * np.cos(turns), y + ry * np.sin(turns)], axis=1)
            points = _turned(points, (x, y), turn)
        else:
            x1, y1, x2, y2 = read('xtl', 'ytl', 'xbr', 'ybr')
            if turn == 0:
                return [x1, y1, x2, y2], None
            report.note('rotated box', file, where, 'the box around it is taken')
            corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
            points = _turned(corners, ((x1 + x2) / 2, (y1 + y2) / 2), turn)
        box = [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]
        return box, None if shape.tag == 'box' else [points.reshape(-1).tolist()]


def _number(
    element: ElementTree.Element, key: str, where: str, file: Path, report: LoadReport, whole: bool = False
) -> Any:
    text = element.get(key)
    try:
        value = int(text) if whole else float(text)
    except (TypeError, ValueError):
        report.fail(f'{element.tag} without a number {key}', file, f'{where}: {shown(text)}')
    if not whole and not np.isfinite(value):
        report.fail(f'{element.tag} without a finite {key}', file, f'{where}: {shown(text)}')
    return value


def _turned(points: np.ndarray, centre: tuple[float, float], degrees: float) -> np.ndarray:
    """Turn points clockwise on screen about ``centre``."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return (points - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre


def _cvat_mask(
    shape: ElementTree.Element, picture: Picture, where: str, file: Path, report: LoadReport
) -> tuple[list[float], dict]:
    """Read run lengths along the rows of the box at left, top, background first."""
    left, top, width, height = (
        _number(shape, key, where, file, report, whole=True) for key in ('left', 'top', 'width', 'height')
    )
    try:
        runs = np.array([int(run) for run in shape.get('rle', '').split(',')])
        if (runs < 0).any() or runs.sum() != width * height:
            raise ValueError(f'its runs sum to {runs.sum()}, not to {width} * {height}')
        if left < 0 or top < 0 or left + width > picture.width or top + height > picture.height:
            raise ValueError('it reaches out of the picture')
    except ValueError as error:
        report.fail('damaged mask', file, f'{where}: {error}')
    pixels = np.zeros((picture.height, picture.width), dtype=bool)
    inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
    pixels[top : top + height, left : left + width] = inside
    return [float(left), float(top), float(left + width), float(top + height)], encode_mask(pixels)


def subsets_of(file: Path) -> list[str]:
    """Return the subsets of an export in lower case, as splits; ``['train']`` if it names none.

    Raises:
        DataError: If it is another or a damaged file.
    """
    root = read_xml(file, 'annotations', LoadReport('strict', evaluation=False))
    return sorted({image.get('subset', 'train').lower() for image in root.iter('image')}) or ['train']
