import os
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageOps

from mmvg.pictures import BACK, ImageError, decode_picture, exif_orientation, turn_upright, write_image
from mmvg.structures import turn_matrix

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


def turned_file(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = BytesIO()
    Image.fromarray(PIXELS).save(file, 'PNG', exif=exif)
    return file.getvalue()


@pytest.mark.parametrize('orientation', range(1, 9))
def test_every_orientation_is_applied_as_pillow_does_and_can_be_undone(orientation):
    content = turned_file(orientation)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(content))))
    upright = decode_picture(content, 'picture')[..., ::-1]
    assert np.array_equal(upright, expected)
    assert np.array_equal(decode_picture(content, 'picture', upright=False)[..., ::-1], PIXELS)
    assert np.array_equal(turn_upright(upright, BACK[orientation]), PIXELS)
    matrix = turn_matrix(orientation, PIXELS.shape[:2])
    for (y, x), _ in np.ndenumerate(PIXELS[..., 0]):
        new_x, new_y, _ = (matrix @ [x + 0.5, y + 0.5, 1]).astype(int)
        assert (upright[new_y, new_x] == PIXELS[y, x]).all()


@pytest.mark.parametrize('value', [0, 9, 77])
def test_an_orientation_that_does_not_exist_leaves_the_picture_alone(value):
    assert exif_orientation(Image.open(BytesIO(turned_file(value)))) == 1
    assert np.array_equal(decode_picture(turned_file(value), 'picture')[..., ::-1], PIXELS)


def test_the_orientation_of_a_pipe_or_a_format_that_is_not_read_is_not_looked_for(tmp_path, monkeypatch):
    path = tmp_path / 'turned.png'
    path.write_bytes(turned_file(6))
    assert exif_orientation(path) == exif_orientation(str(path)) == 6
    os.mkfifo(tmp_path / 'pipe.png')
    assert exif_orientation(tmp_path / 'pipe.png') == 1
    monkeypatch.setattr('mmvg.pictures.readable_formats', lambda: ('JPEG',))
    assert exif_orientation(path) == 1


def bomb(side):
    """A PNG of a few bytes that claims ``side`` x ``side`` pixels."""

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    head = struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(b'')) + chunk(b'IEND', b'')


@pytest.mark.parametrize('side', [13_500, 20_000, 100_000])
def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(side):
    with pytest.raises(ImageError, match='make it smaller'):
        decode_picture(bomb(side), 'bomb.png')


def test_a_jpeg_that_is_decoded_a_thousand_times_is_refused():
    file = BytesIO()
    Image.fromarray(PIXELS).save(file, 'JPEG', progressive=True)
    content = file.getvalue()
    assert decode_picture(content, 'picture').shape == (4, 6, 3)
    last = content.rindex(b'\xff\xda')
    with pytest.raises(ImageError, match='scans, more than a picture needs'):
        decode_picture(content[:last] + 1000 * content[last:-2] + content[-2:], 'picture')


def test_postscript_is_not_handed_to_another_program():
    with pytest.raises(ImageError, match='is not a picture but text'):
        decode_picture(b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n', 'a.eps')


@pytest.mark.filterwarnings('ignore::UserWarning')
@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'GIF', 'WEBP', 'BMP', 'TIFF'])
def test_damaged_files_end_in_a_sentence_that_names_them(kind):
    file = BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, kind)
    content, rng = bytearray(file.getvalue()), np.random.default_rng(2)
    refused = []
    for _ in range(60):
        damaged = bytearray(content)
        for place in rng.integers(0, min(len(content), 400), 4):
            damaged[place] = rng.integers(256)
        damaged = bytes(damaged[: rng.integers(1, len(content))]) if rng.random() < 0.5 else bytes(damaged)
        try:
            pixels = decode_picture(damaged, 'damaged file')
            assert pixels.dtype == np.uint8
            assert pixels.shape[2] == 3
        except ImageError as error:
            refused.append(str(error))
    assert len(refused) > 5
    assert all(message.startswith('damaged file: ') for message in refused)


@pytest.mark.parametrize('ending', ['.jpg', '.webp'])
def test_a_picture_that_is_too_large_for_its_format_is_named(tmp_path, ending):
    path = tmp_path / f'long{ending}'
    with pytest.raises(OSError, match=rf'long\{ending}: \{ending} cannot hold 70000 x 1 pixels; take \.png'):
        write_image(path, np.zeros((1, 70_000, 3), np.uint8))
    assert not path.exists()
