"""Label Studio's export as its documentation shows it: percent of the upright picture."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from mmvg.datasets import DataError, JSONLDataset, LabelStudioDataset
from mmvg.datasets.label_studio import find_image
from mmvg.datasets.readers.brush_rle import decode_brush, encode_brush
from mmvg.datasets.writers import write_label_studio
from mmvg.masks import decode_mask, polygons_to_rle

SIZE = dict(original_width=64, original_height=48, image_rotation=0, to_name='image')
RECTANGLE = dict(x=25, y=50, width=50, height=25, rotation=0, rectanglelabels=['mug'])


def region(key, kind, value, **more):
    return dict(SIZE, id=key, type=kind, from_name=kind, value=value, origin='manual', **more)


def task(*result, **data):
    image = dict(image='/data/upload/1/0123abcd-a.png')
    return [dict(id=7, data=image | data, annotations=[dict(id=1, was_cancelled=False, result=list(result))])]


def test_a_rectangle_with_texts_of_its_own_is_what_they_mean(write, say):
    texts = dict(RECTANGLE, text=['the red mug', 'left of the pot'])
    del texts['rectanglelabels']
    items = write(LabelStudioDataset, task(region('r1', 'rectanglelabels', RECTANGLE), region('r1', 'textarea', texts)))
    assert say(items) == {'the red mug': [[16, 24, 48, 36]], 'left of the pot': [[16, 24, 48, 36]]}
    assert len({item['ref_id'] for item in items}) == 1
    assert items[0]['img_path'].endswith('images/a.png')  # and not 0123abcd-a.png


def test_without_a_text_the_label_speaks_for_all_its_regions(write, say):
    other = dict(RECTANGLE, x=0, y=0, width=12.5)
    result = [region('r1', 'rectanglelabels', RECTANGLE), region('r2', 'rectanglelabels', other)]
    items = write(LabelStudioDataset, task(*result, no_target=['the pan']))
    assert say(items) == {'the mug': [[16, 24, 48, 36], [0, 0, 8, 12]], 'the pan': []}
    assert [item['no_target'] for item in items] == [False, True]
    assert items[0]['boxes_only']


def test_polygons_and_brushes_are_masks(write):
    polygon = dict(points=[[25, 50], [75, 50], [75, 75]], closed=True, polygonlabels=['mug'])
    pixels = np.zeros((48, 64), dtype=bool)
    pixels[10:20, 5:9] = True
    brush = dict(format='rle', rle=encode_brush(pixels), brushlabels=['pot'])
    mug, pot = write(LabelStudioDataset, task(region('p', 'polygonlabels', polygon), region('b', 'brushlabels', brush)))
    assert mug['instances'][0]['mask'] == [[16, 24, 48, 24, 48, 36]]
    assert mug['instances'][0]['bbox'] == [16, 24, 48, 36]
    assert (decode_mask(pot['instances'][0]['mask']) == pixels).all()
    assert pot['instances'][0]['bbox'] == [5, 10, 9, 20]


def text_of(key, text):
    return region(key, 'textarea', dict(text=[text]))


def polygon_of(key, x, parent=None):
    value = dict(points=[[x, 50], [x + 25, 50], [x + 25, 75]], polygonlabels=['part'])
    return region(key, 'polygonlabels', value, **(dict(parentID=parent) if parent else {}))


def test_all_polygons_and_brushes_in_a_rectangle_are_its_mask(write):
    box = region('r', 'rectanglelabels', RECTANGLE)
    parts = [polygon_of('p', 25, 'r'), polygon_of('q', 50, 'r')]
    drawn = [[16, 24, 32, 24, 32, 36], [32, 24, 48, 24, 48, 36]]
    (mug,) = write(LabelStudioDataset, task(box, *parts))
    assert mug['instances'][0]['bbox'] == [16, 24, 48, 36]
    assert mug['instances'][0]['mask'] == drawn
    pixels = np.zeros((48, 64), dtype=bool)
    pixels[40:44, 5:9] = True
    brush = region('b', 'brushlabels', dict(rle=encode_brush(pixels), brushlabels=['part']), parentID='r')
    (mug,) = write(LabelStudioDataset, task(box, *parts, brush))
    mask = decode_mask(mug['instances'][0]['mask'])
    assert (mask[40:] == pixels[40:]).all()
    assert mask[:40].sum() == decode_mask(polygons_to_rle(drawn, 48, 64)).sum() > 0


def test_a_child_with_a_text_or_in_another_shape_is_an_object_of_its_own(write, say):
    inner = dict(RECTANGLE, x=50, width=12.5, rectanglelabels=['handle'])
    result = [
        region('r', 'rectanglelabels', RECTANGLE),
        region('h', 'rectanglelabels', inner, parentID='r'),
        polygon_of('p', 25, 'r'),
        text_of('p', 'the rim'),
        polygon_of('q', 50, 'p'),
    ]
    items = write(LabelStudioDataset, task(*result))
    assert say(items) == {
        'the mug': [[16, 24, 48, 36]],
        'the handle': [[32, 24, 40, 36]],
        'the rim': [[16, 24, 32, 36]],
        'the part': [[32, 24, 48, 36]],
    }
    assert 'mask' not in items[0]['instances'][0]


def test_the_brush_codec_agrees_with_a_stream_made_by_hand():
    # 8 values: a run of 4 zeros, then 4 times 255; sizes of lengths 3, 4, 8, 16 bits
    bits = f'{8:032b}{7:05b}' + ''.join(f'{size - 1:04b}' for size in (3, 4, 8, 16))
    bits += '1' + '00' + f'{3:03b}' + f'{0:08b}' + '0' + '00' + f'{3:03b}' + f'{255:08b}' * 4
    bits += '0' * (-len(bits) % 8)
    stream = [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]
    assert decode_brush(stream, 1, 2).tolist() == [[False, True]]
    for damaged, message in ((stream[:-3], 'cut off'), ([300], 'list of bytes'), (stream, 'not the 16')):
        with pytest.raises(ValueError, match=message):
            decode_brush(damaged, 1, 4 if damaged is stream else 2)


def test_a_long_run_is_split_and_joined():
    mask = np.zeros((300, 300), dtype=bool)
    mask[100:] = True
    assert (decode_brush(encode_brush(mask), 300, 300) == mask).all()


def test_a_rotated_rectangle_becomes_the_box_around_it(write, say):
    turned = dict(RECTANGLE, x=50, y=0, width=25, height=50, rotation=90)  # 16 x 24 pixels about (32, 0)
    assert say(write(LabelStudioDataset, task(region('r', 'rectanglelabels', turned)))) == {
        'the mug': [pytest.approx([8, 0, 32, 16])]
    }


@pytest.mark.parametrize('orientation', range(1, 9))
def test_a_picture_that_a_camera_has_turned_is_annotated_upright_and_read_in_the_pixels_of_its_file(
    write, root, orientation
):
    stored = np.zeros((48, 64), np.uint8)
    stored[8:20, 30:60] = 255  # the object in the file: [30, 8, 60, 20]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(root / 'images/photo.png', exif=exif)
    with Image.open(root / 'images/photo.png') as picture:
        upright = np.asarray(ImageOps.exif_transpose(picture)) > 0
    height, width = upright.shape
    rows, columns = np.nonzero(upright)
    x1, y1, x2, y2 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    value = dict(
        x=100 * x1 / width, y=100 * y1 / height, width=100 * (x2 - x1) / width, height=100 * (y2 - y1) / height
    )
    value = {key: float(v) for key, v in value.items()} | dict(rotation=0, rectanglelabels=['bar'])
    brush = dict(format='rle', rle=encode_brush(upright), brushlabels=['bar'])
    result = [region('r', 'rectanglelabels', value), region('b', 'brushlabels', brush, parentID='r')]
    for entry in result:
        entry.update(original_width=width, original_height=height)
    content = task(*result)
    content[0]['data']['image'] = 'photo.png'
    (item,) = write(LabelStudioDataset, content)
    assert (item['width'], item['height']) == (64, 48)
    assert item['instances'][0]['bbox'] == pytest.approx([30, 8, 60, 20])
    assert (decode_mask(item['instances'][0]['mask']) == (stored > 0)).all()


def test_what_is_written_about_a_turned_picture_fits_the_upright_one(root):
    import json

    line = dict(image='turned.png', expression='the bar', boxes=[[30, 8, 60, 20]])
    (root / 'lines.jsonl').write_text(json.dumps(line) + '\n')
    write_label_studio(JSONLDataset('lines.jsonl', data_root=str(root)), root / 'tasks.json', 'train')
    (written,) = json.loads((root / 'tasks.json').read_text())
    rectangle = written['predictions'][0]['result'][0]
    assert (rectangle['original_width'], rectangle['original_height']) == (48, 64)
    x, y, w, h = (rectangle['value'][key] for key in ('x', 'y', 'width', 'height'))
    assert [x * 0.48, y * 0.64, w * 0.48, h * 0.64] == pytest.approx([28, 30, 12, 30])  # a quarter to the right
    assert '<TextArea name="expression" toName="image" perRegion="true"' in (root / 'tasks.labeling.xml').read_text()


@pytest.mark.parametrize(
    ('text', 'name'),
    [
        ('/data/local-files/?d=a.png', 'a.png'),
        ('s3://bucket/shelf/a.png', 'a.png'),
        ('https://host/shelf/a.png?token=1', 'a.png'),
        ('elsewhere/b.png', 'elsewhere/b.png'),
    ],
)
def test_the_image_of_a_task_is_found(root, text, name):
    assert find_image(text, root / 'images') == name


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([dict(id=3, image='a.png')], 'JSON-MIN'),
        (task(region('r', 'rectanglelabels', dict(RECTANGLE, x=float('nan')))), 'damaged rectangle: task 7, region r'),
        (
            task(region('r', 'rectanglelabels', dict(RECTANGLE, width=0))),
            'without area in the image: task 7, region r: ',
        ),
        (task(region('r', 'brushlabels', dict(rle=[1, 2], brushlabels=['x']))), 'damaged brush.*cut off'),
        (task(region('r', 'rectanglelabels', RECTANGLE) | dict(image_rotation=90)), 'rotated by hand'),
        (task(), 'no task has a region'),
    ],
)
def test_what_cannot_be_used_is_named(write, content, message):
    with pytest.raises(DataError, match=message):
        write(LabelStudioDataset, content)
