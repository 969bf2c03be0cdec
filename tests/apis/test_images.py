import http.server
import threading
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mmvg.apis import list_images, read_image
from mmvg.apis.images import ImageError

RGB = np.zeros((4, 6, 3), np.uint8)
RGB[..., 0], RGB[..., 1], RGB[..., 2] = 200, 100, 50
BGR = RGB[..., ::-1]


def encoded(image, kind='PNG', **options):
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize('form', ['path', 'str', 'bytes', 'pil', 'array'])
def test_every_form_of_one_picture_gives_the_same_pixels(form, tmp_path):
    image = Image.fromarray(RGB)
    path = tmp_path / 'a.png'
    path.write_bytes(encoded(image))
    source = dict(path=path, str=str(path), bytes=path.read_bytes(), pil=image, array=np.ascontiguousarray(BGR))[form]
    assert (read_image(source) == BGR).all()


def test_exif_orientation_turns_the_picture_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is on the right
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[0, 0] = 255
    turned = read_image(encoded(Image.fromarray(pixels), exif=exif))
    assert turned.shape == (6, 4, 3)
    assert np.argwhere(turned[..., 0] == 255).tolist() == [[0, 3]]


@pytest.mark.parametrize(
    ('image', 'kind', 'expected'),
    [
        (Image.fromarray(np.full((2, 2), 77, np.uint8)), 'PNG', (77, 77, 77)),
        (Image.new('CMYK', (2, 2), (0, 0, 0, 255)), 'TIFF', (0, 0, 0)),
        (Image.fromarray(np.full((2, 2), 0x80FF, np.uint16)), 'PNG', (0x80, 0x80, 0x80)),
        (Image.new('RGBA', (2, 2), (10, 20, 30, 0)), 'PNG', (255, 255, 255)),
        (Image.new('RGBA', (2, 2), (10, 20, 30, 255)), 'PNG', (30, 20, 10)),
        (Image.new('LA', (2, 2), (40, 255)), 'PNG', (40, 40, 40)),
        (Image.new('1', (2, 2), 1), 'PNG', (255, 255, 255)),
    ],
)
def test_grey_cmyk_16_bit_and_transparent_pictures(image, kind, expected):
    assert (read_image(encoded(image, kind)) == expected).all()


def test_a_transparent_colour_of_a_palette_becomes_white():
    image = Image.new('P', (2, 1))
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.putdata([0, 1])
    assert read_image(encoded(image, transparency=0)).tolist() == [[[255, 255, 255], [0, 0, 200]]]


@pytest.mark.parametrize(
    ('array', 'expected'),
    [
        (np.full((2, 2), 9, np.uint8), 9),
        (np.full((2, 2, 1), 0x1234, np.uint16), 0x12),
        (np.full((2, 2, 3), 0.2), 51),
        (np.full((2, 2), True), 255),
        (np.dstack([np.zeros((2, 2, 3), np.uint8), np.full((2, 2), 128, np.uint8)]), 127),
    ],
)
def test_arrays_of_other_kinds(array, expected):
    read = read_image(array)
    assert read.shape == (2, 2, 3)
    assert read.dtype == np.uint8
    assert (read == expected).all()


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'empty'),
        (b'just some notes\n', 'is not a picture but text'),
        (b'<!DOCTYPE html><html>', 'web page'),
        (b'<svg width="4" height="4"/>', 'SVG drawing'),
        (b'\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic' + bytes(64), 'HEIC cannot be read'),
        (b'version https://git-lfs.github.com/spec/v1\n', 'git lfs pull'),
        (encoded(Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)))[:900], 'cut off'),
    ],
)
def test_files_that_are_no_pictures_name_the_file(tmp_path, content, message):
    path = tmp_path / 'photo.jpg'
    path.write_bytes(content)
    with pytest.raises(ImageError, match=message) as error:
        read_image(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ('array', 'message'),
    [
        (np.zeros((0, 5, 3), np.uint8), 'no pixels'),
        (np.zeros((5, 5, 2), np.uint8), 'BGR'),
        (np.zeros((3, 5, 5, 3), np.uint8), 'BGR'),
        (np.zeros((5, 5, 3), np.int64), 'int64'),
        (np.full((5, 5, 3), 255.0), '255'),
        (np.full((5, 5, 3), np.nan), r'\[0, 1\]'),
    ],
)
def test_arrays_that_are_no_pictures(array, message):
    with pytest.raises(ImageError, match=message):
        read_image(array)


def test_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nowhere\.jpg'):
        read_image(tmp_path / 'nowhere.jpg')
    with pytest.raises(ImageError, match='is a folder'):
        read_image(tmp_path)
    with pytest.raises(TypeError, match='int'):
        read_image(7)


def test_folders_are_listed_by_name(tmp_path):
    for name in ('b.PNG', 'a.jpg', 'notes.txt', '._a.jpg'):
        (tmp_path / name).write_bytes(b'x')
    (tmp_path / 'c.jpg').mkdir()
    assert [path.name for path in list_images(tmp_path)] == ['a.jpg', 'b.PNG']
    with pytest.raises(FileNotFoundError, match='no picture'):
        list_images(tmp_path / 'c.jpg')
    with pytest.raises(FileNotFoundError, match='no such folder'):
        list_images(tmp_path / 'd')


def test_addresses_are_fetched_only_when_asked_for():
    content = encoded(Image.fromarray(RGB))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == '/a.png' else 404)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f'http://127.0.0.1:{server.server_port}'
    try:
        with pytest.raises(ImageError, match='allow_url=True'):
            read_image(f'{url}/a.png')
        assert (read_image(f'{url}/a.png', allow_url=True) == BGR).all()
        with pytest.raises(ImageError, match='404'):
            read_image(f'{url}/b.png', allow_url=True)
    finally:
        server.shutdown()
