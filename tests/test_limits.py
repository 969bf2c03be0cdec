"""One limit holds wherever a file is read."""

import pytest
from PIL import Image

from mmvg.datasets.readers.pictures import PictureError, open_picture
from mmvg.pictures import ImageError, decode_picture


def check_of_data(path):
    with open_picture(path):
        pass


def question(path):
    decode_picture(path.read_bytes(), path.name)


@pytest.mark.parametrize('read', [check_of_data, question])
def test_a_picture_is_refused_and_let_through_by_the_same_limit(read, tmp_path, monkeypatch):
    path = tmp_path / 'scene.png'
    Image.new('RGB', (30, 20)).save(path)
    read(path)
    monkeypatch.setenv('MMVG_MAX_IMAGE_PIXELS', '599')
    with pytest.raises((PictureError, ImageError), match=r'30 x 20 pixels, .* \(MMVG_MAX_IMAGE_PIXELS raises it\)'):
        read(path)
    monkeypatch.setenv('MMVG_MAX_IMAGE_PIXELS', '600')
    read(path)


@pytest.mark.parametrize('read', [check_of_data, question])
def test_the_bound_of_pillow_follows_a_limit_that_is_raised(read, tmp_path, monkeypatch):
    path = tmp_path / 'scene.png'
    Image.new('RGB', (30, 20)).save(path)
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)  # which raises at 200
    read(path)
