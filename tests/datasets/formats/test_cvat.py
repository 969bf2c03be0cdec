"""CVAT for images 1.1, as its documentation describes it."""

import numpy as np
import pytest

from mmvg.datasets import CVATDataset, DataError
from mmvg.masks import decode_mask

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta/>'


def export(*shapes, name='a.png', width=64, height=48, subset=''):
    image = f'<image id="0" name="{name}" {subset} width="{width}" height="{height}">'
    return f'{HEAD}{image}{"".join(shapes)}</image></annotations>'


def box(text='', label='mug', x=16, more=''):
    attribute = f'<attribute name="expression">{text}</attribute>' if text else ''
    return (
        f'<box label="{label}" source="manual" occluded="0" xtl="{x}.00" ytl="24.00" xbr="48.00" ybr="36.00" '
        f'z_order="0"{more}>{attribute}</box>'
    )


def test_expressions_stand_in_an_attribute_one_a_line(write, say):
    tag = '<tag label="absent" source="manual"><attribute name="expression">the pan</attribute></tag>'
    shapes = [
        box('the red mug\nleft of the pot'),
        box('both mugs', x=20),
        box('both mugs', x=30),
        box(label='pot'),
        tag,
    ]
    items = write(CVATDataset, export(*shapes))
    assert say(items) == {
        'the pan': [],
        'the red mug': [[16, 24, 48, 36]],
        'left of the pot': [[16, 24, 48, 36]],
        'both mugs': [[20, 24, 48, 36], [30, 24, 48, 36]],
        'the pot': [[16, 24, 48, 36]],
    }
    assert [item['no_target'] for item in items] == [True, False, False, False, False]


def test_polygons_masks_and_ellipses_are_masks(write):
    polygon = '<polygon label="a" points="10.00,10.00;20.00,10.00;20.00,30.00" z_order="0"></polygon>'
    mask = '<mask label="b" rle="1, 2, 3" left="5" top="6" width="3" height="2" z_order="0"></mask>'
    ellipse = '<ellipse label="c" cx="30.00" cy="20.00" rx="10.00" ry="5.00" z_order="0"></ellipse>'
    a, b, c = write(CVATDataset, export(polygon, mask, ellipse))
    assert a['instances'][0]['mask'] == [[10, 10, 20, 10, 20, 30]]
    assert a['instances'][0]['bbox'] == [10, 10, 20, 30]
    pixels = np.zeros((48, 64), dtype=bool)
    pixels[6, 6:8] = True  # one pixel of background, two of the object, three of background, row by row
    assert (decode_mask(b['instances'][0]['mask']) == pixels).all()
    assert b['instances'][0]['bbox'] == [5, 6, 8, 8]
    assert c['instances'][0]['bbox'] == pytest.approx([20, 15, 40, 25])


def test_a_rotated_box_becomes_the_box_around_it(write, say):
    found = say(write(CVATDataset, export(box(more=' rotation="90.00"'))))  # 32 x 12 about (32, 30)
    assert found == {'the mug': [pytest.approx([26, 14, 38, 46])]}


def test_a_turned_picture_is_read_in_the_pixels_of_its_file(write, say):
    shape = (
        box().replace('16.00', '28.00').replace('24.00', '30.00').replace('48.00', '40.00').replace('36.00', '60.00')
    )
    items = write(CVATDataset, export(shape, name='turned.png', width=48, height=64))
    assert (items[0]['width'], items[0]['height']) == (64, 48)
    assert say(items) == {'the mug': [pytest.approx([30, 8, 60, 20])]}


def test_a_subset_is_a_split(write):
    content = export(box(), subset='subset="Validation"')
    assert len(write(CVATDataset, content, split='validation')) == 1
    with pytest.raises(DataError, match="no image of split 'train'"):
        write(CVATDataset, content)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('<annotations>', 'not whole XML'),
        ('<html></html>', 'does not begin with <annotations>'),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations/>', 'entities'),
        (f'{HEAD}<track id="0" label="mug"/></annotations>', 'for video'),
        (export(box().replace('xtl="16.00"', '')), 'without a number xtl: image 0, box 0'),
        (export(box().replace('16.00', 'nan')), 'without a finite xtl'),
        (export(box().replace('16.00', '48.00')), 'without area in the image: image 0, box 0: '),
        (export('<mask label="b" rle="1, 2" left="5" top="6" width="3" height="2"/>'), r'runs sum to 3, not to 3 \* 2'),
        (export('<polygon label="b" points="1,2;x,3"/>'), 'damaged polygon'),
    ],
)
def test_what_cannot_be_used_is_named(write, content, message):
    with pytest.raises(DataError, match=message):
        write(CVATDataset, content)
