"""A folder with a picture, and one that a camera has turned."""

import json

import numpy as np
import pytest
from PIL import Image

WIDTH, HEIGHT = 64, 48


def save(path, orientation=1, width=WIDTH, height=HEIGHT):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, exif=exif)


@pytest.fixture
def root(tmp_path):
    save(tmp_path / 'images/a.png')
    save(tmp_path / 'images/turned.png', orientation=6)
    return tmp_path


@pytest.fixture
def write(root):
    """Function: write text, JSON or lines of JSON, and return what opens a dataset on it."""

    def write(reader, content, **options):
        lines = isinstance(content, tuple)
        text = '\n'.join(map(json.dumps, content)) if lines else content
        text = text if isinstance(text, str) else json.dumps(text)
        (root / 'file').write_text(text)
        dataset = reader('file', data_root=str(root), **{'img_prefix': 'images', **options})
        return [dataset.get_data_info(i) for i in range(len(dataset))]

    return write


@pytest.fixture
def say():
    """Function: text -> boxes of every item."""

    def say(items):
        return {item['sentences'][0]['text']: [instance['bbox'] for instance in item['instances']] for item in items}

    return say
