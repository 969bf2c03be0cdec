"""Writers of small files in the formats of the refer API and gRefCOCO."""

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

HEIGHT, WIDTH = 60, 80


def square(x: float, y: float, side: float) -> list[float]:
    """A square as a flat polygon."""
    return [x, y, x + side, y, x + side, y + side, x, y + side]


def annotation(ann_id: int, image_id: int, x: float, y: float, side: float, **changes) -> dict:
    """A COCO annotation of a square."""
    made = dict(
        id=ann_id,
        image_id=image_id,
        category_id=18,
        bbox=[x, y, side, side],
        area=side * side,
        segmentation=[square(x, y, side)],
        iscrowd=0,
    )
    return {**made, **changes}


def ref(ref_id: int, image_id: int, ann_id, texts: dict[int, str], split: str = 'train', **changes) -> dict:
    """A ref with ``texts`` {sent_id: raw}; its ``file_name`` has the suffix that must not be used."""
    made = dict(
        ref_id=ref_id,
        image_id=image_id,
        ann_id=ann_id,
        category_id=18,
        split=split,
        file_name=f'COCO_train2014_{image_id:012d}_{ref_id}.jpg',
        sent_ids=list(texts),
        sentences=[
            dict(sent_id=sent_id, raw=raw, sent=raw.lower().strip('.!'), tokens=raw.lower().split())
            for sent_id, raw in texts.items()
        ],
    )
    return {**made, **changes}


class DataFolder:
    """A data root with two images, five annotations, and refs that a test may change before :meth:`write`."""

    annotation = staticmethod(annotation)
    ref = staticmethod(ref)
    square = staticmethod(square)

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images = [
            dict(id=image_id, file_name=f'COCO_train2014_{image_id:012d}.jpg', height=HEIGHT, width=WIDTH)
            for image_id in (1, 2)
        ]
        self.annotations = [
            annotation(11, 1, 10, 10, 20),
            annotation(12, 1, 40, 20, 30),
            annotation(21, 2, 5, 5, 10),
            annotation(22, 2, 30, 5, 12.5),
            annotation(23, 2, 0, 0, 50, iscrowd=1, segmentation=dict(size=[HEIGHT, WIDTH], counts=[0, 600, 4200])),
        ]
        self.refs = [
            ref(101, 1, 11, {1001: 'The left dog.', 1002: 'dog on the left'}),
            ref(102, 2, 21, {1003: 'small cat', 1004: 'a cat', 1005: 'top left'}),
            ref(103, 1, 12, {1006: 'big dog'}, split='val'),
            ref(104, 2, 22, {1007: 'person'}, split='testA'),
        ]
        self.grefs = [
            ref(201, 1, [11, 12], {2001: 'Two dogs'}, no_target=False),
            ref(202, 1, [-1], {2002: 'a red car', 2003: 'a blue car'}, no_target=True),
            ref(203, 2, [21, 23], {2004: 'cat and crowd'}, no_target=False),
            ref(204, 2, [22], {}, no_target=False),
            ref(205, 2, [21, 22], {2005: 'both cats'}, split='val', no_target=False),
            ref(206, 2, [-1], {2006: 'a horse'}, split='val', no_target=True),
        ]

    def write(self, images: bool = False) -> Path:
        """Write everything; returns the root."""
        instances = json.dumps(dict(images=self.images, annotations=self.annotations, categories=[]))
        for folder in ('refcoco', 'grefcoco', 'images/train2014'):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / 'refcoco/instances.json').write_text(instances)
        (self.root / 'grefcoco/instances.json').write_text(instances)
        (self.root / 'refcoco/refs(unc).p').write_bytes(pickle.dumps(self.refs, protocol=2))
        (self.root / 'grefcoco/grefs(unc).json').write_text(json.dumps(self.grefs))
        (self.root / 'images/train2014/COCO_train2014_000000000000.jpg').touch()
        if images:
            for image in self.images:
                pixels = np.full((image['height'], image['width'], 3), 30 * image['id'], np.uint8)
                assert cv2.imwrite(str(self.root / 'images/train2014' / image['file_name']), pixels)
        return self.root


@pytest.fixture
def data_folder(tmp_path) -> DataFolder:
    return DataFolder(tmp_path / 'data')
