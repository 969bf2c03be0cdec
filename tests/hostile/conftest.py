"""Small sound data sets, of which each test makes one file hostile, and what must be true of whoever opens it."""

import json
import pickle
from pathlib import Path

import pytest
from guarded import guarded
from PIL import Image

from mmvg.data_check import check_folder
from mmvg.datasets import DataError, JSONLDataset, RefCOCODataset

SQUARE = [[10, 10, 30, 10, 30, 30, 10, 30]]
ANNOTATION = dict(id=7, image_id=1, category_id=1, bbox=[10, 10, 20, 20], area=400, iscrowd=0, segmentation=SQUARE)
IMAGE = dict(id=1, file_name='1.png', height=48, width=64)
SENTENCE = dict(sent_id=1, raw='the block', sent='the block', tokens=['the', 'block'])
REF = dict(ref_id=1, image_id=1, split='train', ann_id=7, category_id=1, sentences=[SENTENCE], sent_ids=[1])
LINE = dict(image='1.png', expression='the red block', boxes=[[10, 10, 30, 30]], masks=[SQUARE])


class HostileData:
    """A folder with RefCOCO and JSON lines of one picture each, and the two who open it."""

    image, annotation, ref, line = IMAGE, ANNOTATION, REF, LINE

    def __init__(self, root: Path):
        self.root = root
        self.images = root / 'images/train2014'
        self.images.mkdir(parents=True)
        (root / 'refcoco').mkdir()
        Image.new('RGB', (64, 48)).save(self.images / '1.png')
        self.refs, self.instances = root / 'refcoco/refs(unc).p', root / 'refcoco/instances.json'
        self.lines = root / 'all.jsonl'
        self.write_refs([REF])
        self.write_instances()
        self.write_line()

    def write_refs(self, refs):
        self.refs.write_bytes(pickle.dumps(refs, 2))

    def write_instances(self, image=IMAGE, annotation=ANNOTATION):
        content = dict(images=[image], annotations=[annotation], categories=[dict(id=1, name='block')])
        self.instances.write_text(json.dumps(content))

    def write_line(self, **fields):
        self.lines.write_text(json.dumps(LINE | fields) + '\n')

    def open_refcoco(self):
        """Load the split, and check the folder; returns what each found wrong."""
        return self._open(self._load_refcoco, lambda: check_folder(self.root, only=['refcoco']))

    def open_lines(self):
        """Load the lines, and check the file; returns what each found wrong."""
        return self._open(self._load_lines, lambda: check_folder(self.lines, 'images/train2014'))

    def _load_refcoco(self):
        dataset = RefCOCODataset('refcoco', 'train', data_root=str(self.root))
        return [dataset.get_data_info(index) for index in range(len(dataset))]

    def _load_lines(self):
        dataset = JSONLDataset('all.jsonl', 'train', data_root=str(self.root), img_prefix='images/train2014')
        return [dataset.get_data_info(index) for index in range(len(dataset))]

    def _open(self, load, check):
        def both():
            try:
                load()
                read = ''
            except (DataError, FileNotFoundError) as error:
                read = str(error)
            return read, '\n'.join(f'{e.file}: {e.problem}: {e.record}' for e in check().report.errors)

        outcome = guarded(both)
        assert_harmless(outcome)
        assert outcome.error is None, outcome.error
        assert len(outcome.value[0]) < 1500
        return outcome.value


def assert_harmless(outcome, most=300):
    """Nothing ran, nothing hung, no memory was taken, and what was refused was refused in our own words."""
    assert not outcome.killed, outcome.killed
    assert outcome.alarms == ()
    assert outcome.grown < most, f'{outcome.grown:.0f} MiB'
    if outcome.error is not None:
        kind, _, message, trace = outcome.error
        assert kind in ('DataError', 'FileNotFoundError', 'PredictionError', 'ImageError', 'PictureError'), trace
        assert len(message) < 1500


@pytest.fixture
def data(tmp_path):
    return HostileData(tmp_path)


@pytest.fixture
def harmless():
    return assert_harmless
