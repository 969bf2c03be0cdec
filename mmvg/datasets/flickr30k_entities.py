"""Flickr30k Entities: the phrases of captions, and the boxes that they mean."""

import re
from pathlib import Path
from typing import Any

from mmvg.checks import check_choice
from mmvg.datasets.readers import CocoInstances, DataError, LoadReport, Ref, RefBuilder, read_data_file
from mmvg.datasets.readers.xml_files import read_xml
from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.foreign_files import shown
from mmvg.registry import DATASETS

_PHRASE = re.compile(r'\[/EN#(?P<id>\d+)(?P<types>(?:/[^\s/]+)+)\s+(?P<words>[^\]]+)\]')


@DATASETS.register_module()
class Flickr30kEntitiesDataset(ReferringDataset):
    """Flickr30k Entities (arXiv:1505.04870): an item per phrase of a caption that has a box.

    Reads ``<split>.txt`` (image ids), ``Sentences/<id>.txt``, whose phrases are marked
    ``[/EN#<entity>/<type> the words]``, and ``Annotations/<id>.xml`` with the boxes of entities. Boxes count pixels
    from 1 there and are moved to 0, as the authors' reader does. Phrases whose entity has no box (``nobndbox``, scenes,
    or not visual, number 0) are left out and counted. There are no masks. ``ref_id`` and ``sent_id`` are running
    numbers.
    For the items see :class:`ReferringDataset`; they have ``caption``, ``entity`` and ``expression_type``, the first
    type of the phrase, too.

    A phrase often has several boxes. Two protocols are in use (MDETR, arXiv:2104.12763, Sec. 4.2): ``'any'``: a box
    that meets one of them is right (:class:`mmvg.evaluation.PrecisionAtKMetric`); ``'merged'``: they are united to one
    before (:class:`mmvg.evaluation.RECMetric`).

    Args:
        split: ``'train'``, ``'val'`` or ``'test'``.
        boxes: ``'any'`` keeps all boxes of a phrase, ``'merged'`` unites them.
        folder: Of the annotations, below ``data_root``.
        img_prefix: Folder of the Flickr30k images.
        common: Arguments of all datasets, see :class:`ReferringDataset`.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> for folder in ('flickr30k-images', 'flickr30k_entities/Annotations', 'flickr30k_entities/Sentences'):
        ...     (root / folder).mkdir(parents=True)
        >>> _ = (root / 'flickr30k-images/7.jpg').write_bytes(b'')
        >>> box = '<bndbox><xmin>11</xmin><ymin>6</ymin><xmax>21</xmax><ymax>31</ymax></bndbox>'
        >>> size = '<size><width>80</width><height>60</height></size>'
        >>> xml = f'<annotation>{size}<object><name>1</name>{box}</object></annotation>'
        >>> _ = (root / 'flickr30k_entities/Annotations/7.xml').write_text(xml)
        >>> _ = (root / 'flickr30k_entities/Sentences/7.txt').write_text('[/EN#1/people A man] waits .')
        >>> _ = (root / 'flickr30k_entities/test.txt').write_text('7')
        >>> item = Flickr30kEntitiesDataset('test', data_root=str(root))[0]
        >>> item['text'], item['instances'][0]['bbox'], item['caption']
        ('A man', [10.0, 5.0, 20.0, 30.0], 'A man waits .')
    """

    with_mask = False

    def __init__(
        self,
        split: str,
        *,
        boxes: str = 'any',
        folder: str = 'flickr30k_entities',
        img_prefix: str = 'flickr30k-images',
        **common: Any,
    ) -> None:
        check_choice('split', split, ('train', 'val', 'test'))
        self.boxes = check_choice('boxes', boxes, ('any', 'merged'))
        super().__init__('flickr30k_entities', split, dict(images=f'{folder}/{split}.txt'), img_prefix, **common)

    def read_annotations(self) -> tuple[list[Ref], CocoInstances]:
        listed, report = self.files['images'], self.load_report
        builder = RefBuilder(listed, self.image_folder, report, self.outside_images)
        for image_id in _text(listed).split():
            xml = listed.parent / f'Annotations/{image_id}.xml'
            sentences = listed.parent / f'Sentences/{image_id}.txt'
            for file in (xml, sentences):
                if not file.is_file():
                    report.fail('file that is missing', file, f'image {image_id} of {listed.name}')
            size, entities = read_entities(xml, report)
            picture = builder.picture(f'{image_id}.jpg', size, str(xml))
            if picture is None:
                continue
            targets: dict[str, list[int]] = {}
            for entity, boxes in entities.items():
                kept = [_united(boxes)] if boxes and self.boxes == 'merged' else boxes
                targets[entity] = builder.targets(picture, kept, f'{xml}, entity {entity}')
            for caption, phrases in read_captions(sentences, report):
                for entity, types, words in phrases:
                    if not targets.get(entity):
                        report.note('phrase without a box', sentences, f'entity {entity}: {words!r}', 'left out')
                        continue
                    fields = dict(caption=caption, entity=entity, expression_type=types[0])
                    builder.ref(picture, targets[entity], [words], str(sentences), self.split, record=fields)
        if not builder.refs:
            raise DataError(f'{listed}: no phrase has a box')
        return builder.refs, builder.coco

    def item_fields(self, ref: Ref) -> dict:
        return ref.record


def read_entities(file: Path, report: LoadReport) -> tuple[tuple[int, int], dict[str, list[list[float]]]]:
    """Return size (width, height) and entity -> boxes ``[x1, y1, x2, y2]`` of an annotation file.

    Raises:
        DataError: If it is another or a damaged file.
    """
    root = read_xml(file, 'annotation', report)
    try:
        size = tuple(int(root.find('size').findtext(side)) for side in ('width', 'height'))
        found: dict[str, list[list[float]]] = {}
        for element in root.iter('object'):
            box = element.find('bndbox')
            corners = box is not None and [int(box.findtext(k)) - 1 for k in ('xmin', 'ymin', 'xmax', 'ymax')]
            for name in element.iter('name'):
                found.setdefault(name.text, []).extend([list(map(float, corners))] if corners else [])
    except (AttributeError, TypeError, ValueError) as error:
        report.fail('annotation that is not one of Flickr30k Entities', file, str(error))
    return size, found


def read_captions(file: Path, report: LoadReport) -> list[tuple[str, list[tuple[str, list[str], str]]]]:
    """Return captions without marks, each with its phrases (entity, types, words).

    Raises:
        DataError: If a mark is damaged.
    """
    found = []
    for line in _text(file).splitlines():
        if not line.strip():
            continue
        phrases = [(m['id'], m['types'].strip('/').split('/'), m['words'].strip()) for m in _PHRASE.finditer(line)]
        caption = _PHRASE.sub(lambda match: match['words'], line).strip()
        if '[/EN#' in caption:
            report.fail('damaged mark of a phrase', file, shown(line.strip()))
        found.append((caption, phrases))
    return found


def _text(file: Path) -> str:
    try:
        return read_data_file(file).decode()
    except UnicodeDecodeError as error:
        raise DataError(f'{file} is not text in UTF-8 ({error}): download it again.') from error


def _united(boxes: list[list[float]]) -> list[float]:
    lows, highs = zip(*[(box[:2], box[2:]) for box in boxes], strict=True)
    return [*map(min, zip(*lows, strict=True)), *map(max, zip(*highs, strict=True))]
