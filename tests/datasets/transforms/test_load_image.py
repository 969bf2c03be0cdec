import os
import pickle

import cv2
import numpy as np
import pytest
from PIL import Image

from mmvg.apis import read_image
from mmvg.datasets.transforms import LoadGroundingAnnotations, LoadImage, load_image


def test_an_image_is_bgr_and_its_size_is_recorded(make_item, image_file):
    results = LoadImage()(make_item())
    assert (results['img'] == cv2.imread(str(image_file))).all()
    assert results['img_shape'] == results['ori_shape'] == (30, 40)
    assert results['img'].dtype == np.uint8


def test_a_greyscale_jpeg_gets_three_channels(make_item, tmp_path):
    Image.new('L', (40, 30), 77).save(tmp_path / 'grey.jpg')
    image = LoadImage()(make_item(img_path=str(tmp_path / 'grey.jpg')))['img']
    assert image.shape == (30, 40, 3)
    assert (image == 77).all()


@pytest.mark.parametrize('mode', ['RGB', 'L', 'RGBA', 'LA', 'P', 'CMYK', 'I;16', '1'])
def test_training_sees_the_pixels_that_the_inferencer_sees(make_item, tmp_path, mode):
    path = tmp_path / ('picture.tif' if mode == 'CMYK' else 'picture.png')
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)
    image = Image.fromarray(noise[..., 0].astype(np.uint16) << 8) if mode == 'I;16' else Image.fromarray(noise)
    options = dict(transparency=3) if mode == 'P' else {}
    (image if mode == 'I;16' else image.convert(mode)).save(path, **options)
    assert np.array_equal(LoadImage()(make_item(img_path=str(path)))['img'], read_image(path))


def test_plain_pictures_keep_the_pixels_that_opencv_decodes(make_item, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (31, 43, 3), dtype=np.uint8)
    for name in ('a.jpg', 'a.webp', 'a.bmp', 'a.png'):
        path = tmp_path / name
        cv2.imwrite(str(path), noise)
        assert np.array_equal(LoadImage()(make_item(img_path=str(path)))['img'], cv2.imread(str(path)))


@pytest.mark.parametrize(('orientation', 'size'), [('file', (30, 40)), ('upright', (40, 30))])
def test_pixels_are_those_of_the_file_unless_the_config_says_upright(make_item, tmp_path, orientation, size):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown rotated by 90 degrees
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / 'rotated.png', exif=exif)
    results = LoadImage(orientation=orientation)(make_item(img_path=str(tmp_path / 'rotated.png')))
    assert results['ori_shape'] == results['img_shape'] == size
    stored = results['img'] if orientation == 'file' else np.rot90(results['img'])
    assert np.array_equal(stored[..., ::-1], noise)
    if orientation == 'upright':
        assert np.array_equal(results['img'], read_image(tmp_path / 'rotated.png'))


def test_annotations_of_the_upright_picture_ask_for_upright_pixels(make_item, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new('RGB', (30, 40)).save(tmp_path / 'rotated.jpg', exif=exif)  # upright 40 wide and 30 high
    item = make_item(img_path=str(tmp_path / 'rotated.jpg'))
    with pytest.raises(ValueError, match=r"EXIF orientation 8\).*LoadImage\(orientation='upright'\)"):
        LoadGroundingAnnotations()(LoadImage()(dict(item)))
    assert LoadGroundingAnnotations()(LoadImage(orientation='upright')(item))['gt_masks'].masks.shape == (1, 30, 40)


def test_a_missing_image_is_named(make_item, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'grefcoco img_id=7 ref_id=3 sent_id=5 \(.*gone\.jpg\): there is no'):
        LoadImage()(make_item(img_path=str(tmp_path / 'gone.jpg')))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'the file is empty'),
        (b'<html>404</html>', 'web page'),
        (b'\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X', 'AppleDouble'),
        ('half', 'cut off'),
    ],
)
def test_a_damaged_image_is_named(make_item, tmp_path, content, message):
    path = tmp_path / 'damaged.jpg'
    if content == 'half':
        gradient = np.add.outer(np.arange(120), np.arange(160)).astype(np.uint8)
        content = cv2.imencode('.jpg', gradient)[1].tobytes()
        content = content[: len(content) // 2]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf'grefcoco img_id=7 .*damaged\.jpg\): .*{message}'):
        LoadImage()(make_item(img_path=str(path)))


def test_a_pipe_is_no_image_and_does_not_hang(make_item, tmp_path):
    os.mkfifo(tmp_path / 'pipe.jpg')
    with pytest.raises(ValueError, match=r'pipe\.jpg\): is not a file'):
        LoadImage()(make_item(img_path=str(tmp_path / 'pipe.jpg')))


def test_a_training_pipeline_may_skip_bad_images(make_item, tmp_path):
    load = LoadImage(bad_image='skip')
    assert load(make_item(img_path=str(tmp_path / 'gone.jpg'))) is None
    (tmp_path / 'empty.jpg').touch()
    assert load(make_item(img_path=str(tmp_path / 'empty.jpg'))) is None
    assert load(make_item())['img'].shape == (30, 40, 3)


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="bad_image must be 'raise' or 'skip', not 'ignore'"):
        LoadImage(bad_image='ignore')


def test_a_picture_that_comes_again_is_decoded_once_and_each_sample_has_its_own(make_item, tmp_path, monkeypatch):
    decoded, decode = [], load_image.decode_picture
    monkeypatch.setattr(
        load_image, 'decode_picture', lambda *content, **how: decoded.append(1) or decode(*content, **how)
    )
    paths = [str(tmp_path / name) for name in ('one.png', 'two.png')]
    for value, path in enumerate(paths, 7):
        Image.new('L', (40, 30), value).save(path)
    load = LoadImage()
    first = load(make_item(img_path=paths[0]))['img']
    first[:] = 0  # by a later step
    again = load(make_item(img_path=paths[0]))['img']
    assert (again == 7).all()
    again[:] = 0
    assert len(decoded) == 2  # pictures are kept from now on
    for _ in range(3):
        assert (load(make_item(img_path=paths[0]))['img'] == 7).all()
    assert len(decoded) == 2
    Image.new('L', (40, 30), 9).save(paths[0])
    for path, value in ((paths[1], 8), (paths[0], 9)):
        assert (load(make_item(img_path=path))['img'] == value).all()
        again = load(make_item(img_path=path))['img']
        assert (again == value).all()
        again[:] = 0
    assert len(decoded) == 4
    assert pickle.loads(pickle.dumps(load))._last == (None, None)
