import cv2
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from PIL import Image

from mmvg.datasets.transforms import LoadImage


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


def test_exif_orientation_is_ignored(make_item, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown rotated by 90 degrees
    Image.new('RGB', (40, 30)).save(tmp_path / 'rotated.jpg', exif=exif)
    item = make_item(img_path=str(tmp_path / 'rotated.jpg'))
    assert LoadImageFromFile()(dict(item))['ori_shape'] == (40, 30)
    assert LoadImage()(item)['ori_shape'] == (30, 40)


def test_a_missing_image_is_named(make_item, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'grefcoco img_id=7 ref_id=3 sent_id=5 \(.*gone\.jpg\): there is no'):
        LoadImage()(make_item(img_path=str(tmp_path / 'gone.jpg')))


@pytest.mark.parametrize('content', [b'', b'<html>404</html>', 'half'])
def test_a_damaged_image_is_named(make_item, tmp_path, content):
    path = tmp_path / 'damaged.jpg'
    if content == 'half':
        gradient = np.add.outer(np.arange(120), np.arange(160)).astype(np.uint8)
        content = cv2.imencode('.jpg', gradient)[1].tobytes()
        content = content[: len(content) // 2]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'grefcoco img_id=7 .*damaged\.jpg\): the file is not an image'):
        LoadImage()(make_item(img_path=str(path)))


def test_a_training_pipeline_may_skip_bad_images(make_item, tmp_path):
    load = LoadImage(bad_image='skip')
    assert load(make_item(img_path=str(tmp_path / 'gone.jpg'))) is None
    (tmp_path / 'empty.jpg').touch()
    assert load(make_item(img_path=str(tmp_path / 'empty.jpg'))) is None
    assert load(make_item())['img'].shape == (30, 40, 3)


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="bad_image must be 'raise' or 'skip', not 'ignore'"):
        LoadImage(bad_image='ignore')
