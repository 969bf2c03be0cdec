"""Strings as models write them, and as they break off; expected boxes are read off by eye."""

import contextlib
import time

import pytest

from mmvg.scoring.text_formats import TEXT_FORMATS, UnparsedTextError

BOX, OTHER = [10.0, 20.0, 30.0, 40.0], [50.0, 20.0, 70.0, 40.0]
QWEN2 = '<|object_ref_start|>the mug<|object_ref_end|><|box_start|>(10,20),(30,40)<|box_end|>'
#: Texts of models that repeat a digit without end.
DEGENERATE = [
    ('brackets', '[10, 20, 30, N]'),
    ('json', '[{"bbox_2d": [10, 20, 30, N]}]'),
    ('json', '{"bbox_2d": [10, 20, 30, 40], "id": N'),
    ('gemini', '[{"box_2d": [10, 20, 30, N]}]'),
    ('box_tags', '<box>10 20 30 N</box>'),
    ('location_tokens', '<loc_10><loc_20><loc_30><loc_N>'),
    ('florence2', '<loc_10><loc_20><loc_30><loc_N>'),
    ('florence2_polygons', '<loc_0><loc_0><loc_9><loc_0><loc_9><loc_N>'),
    ('paligemma', '<locN><loc0000><loc0512><loc1023>'),
    ('qwen', '<box>(10,20),(30,N)</box>'),
    ('internvl', '<box>[[10, 20, 30, N]]</box>'),
]


@pytest.mark.parametrize(
    ('name', 'text', 'boxes'),
    [
        ('brackets', '[10, 20, 30, 40]', [BOX]),
        ('brackets', 'The mug [[10,20,30,40]] and the cup [[50,20,70,40]].', [BOX, OTHER]),
        ('brackets', '(10.0, 20.0, 3e1, 40.)', [BOX]),
        ('brackets', 'the mug(10,20),(30,40)', [BOX]),
        ('brackets', '[-1.5, .5, 2, 3]', [[-1.5, 0.5, 2.0, 3.0]]),
        ('brackets', '[[10, 20, 30, 40], [50, 20', [BOX]),  # cut off
        ('brackets', 'the mugs [[10,20,30,40;50,20,70,40]]', [BOX, OTHER]),  # CogVLM
        ('brackets', '[ 10, 20, 30, 40 ; 50, 20, 70, 40 ]', [BOX, OTHER]),
        ('json', '[10, 20, 30, 40]', [BOX]),
        ('json', '{"bbox": [10, 20, 30, 40]}', [BOX]),
        ('json', '```json\n[{"bbox_2d": [10, 20, 30, 40], "label": "mug"}]\n```', [BOX]),
        ('json', 'Sure: [{"label": "[mug]", "box": [10, 20, 30, 40]}, {"box": [50, 20, 70, 40]}] Done.', [BOX, OTHER]),
        ('json', '```json\n[{"bbox_2d": [10, 20, 30, 40]}, {"bbox_2d": [50, 2', [BOX]),  # cut off
        ('json', '[[10, 20, 30, 40], [50, 20, 70, 40]]', [BOX, OTHER]),
        ('json', '[[10, 20, 30, 40], [50, 20', [BOX]),  # cut off
        ('json', '{"box": [10, 20, 30, 40]}\n{"box": [50, 20, 70, 40]}', [BOX, OTHER]),
        ('json', '[10, 20, 30, 40], [50, 20, 70, 40]', [BOX, OTHER]),
        ('json', '```json\n{"box": [10, 20, 30, 40]}\n```\nand\n```\n[[50, 20, 70, 40]]\n```', [BOX, OTHER]),
        ('json', '[see note] {"box": [10, 20, 30, 40]} {sic} [1st row] {"box": [50, 20, 70, 40]}', [BOX, OTHER]),
        ('json', '{"box": [10, 20, 30, 40]} {"points": [1, 2, 3, 4], "box": [50, 2', [BOX]),  # cut off
        ('json', '[]', []),
        ('json', '```json\n[]\n```', []),
        ('gemini', '[{"box_2d": [20, 10, 40, 30], "label": "mug"}]', [BOX]),
        ('box_tags', '<box>10 20 30 40</box>', [BOX]),
        ('box_tags', 'a<box>[10, 20, 30, 40]</box> b <box>50,20;70 40</box>', [BOX, OTHER]),
        ('location_tokens', '<loc_10><loc_20><loc_30><loc_40>', [BOX]),
        ('location_tokens', '<10><20><30><40> and <50><20><70><40>', [BOX, OTHER]),
        ('florence2', '<s>mug<loc_0><loc_100><loc_499><loc_999></s>', [[0.0005, 0.1005, 0.4995, 0.9995]]),
        ('florence2', 'a<loc_0><loc_0><loc_1><loc_1><loc_2><loc_2><loc_3><loc_3>', None),
        ('paligemma', '<loc0256><loc0000><loc0512><loc1023> mug', [[0, 0.25, 1023 / 1024, 0.5]]),
        ('paligemma', '<loc0000><loc0000><loc0512><loc0512> a ; <loc0000><loc0512><loc0512><loc0768> b', None),
        ('qwen', QWEN2, [BOX]),
        ('qwen', '<ref>the mug</ref><box>(10,20),(30,40)</box>', [BOX]),
        ('qwen', '<|box_start|>(10,20),(30,40)<|box_end|><|box_start|>(50, 20), (70, 40)<|box_end|>', [BOX, OTHER]),
        ('internvl', '<ref>mugs</ref><box>[[10, 20, 30, 40], [50, 20, 70, 40]]</box>', [BOX, OTHER]),
    ],
)
def test_boxes_are_read(name, text, boxes):
    parsed = TEXT_FORMATS[name].parse(text).boxes
    assert parsed == boxes if boxes is not None else len(parsed) == 2


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        *((name, text) for name in TEXT_FORMATS for text in ('', 'I see no mug.', '[1, 2, 3]', '<box></box>', '[{')),
        ('brackets', '[1, 2, 3, 4, 5]'),
        ('brackets', '[10, 20, NaN, 40]'),
        ('brackets', '[[10, 20, 30'),
        ('json', '{"label": "mug"}'),
        ('json', '[{"bbox_2d": [10, 20, 30]}]'),
        ('json', '[{"bbox_2d": [10, 20, NaN, 40]}]'),
        ('json', '[{"bbox_2d": [10, 20, 30, 1e999]}]'),
        ('json', '[{"bbox_2d": ["10", "20", "30", "40"]}]'),
        ('json', '[' * 100000),
        ('json', '{"points": [1, 2, 3, 4], "box": [50, 2'),
        ('json', '{"box": [10, 20, 30, 40]} {"label": "mug"}'),
        ('brackets', '[1, 2, 3; 4, 5, 6, 7]'),
        *((name, text.replace('N', digits)) for name, text in DEGENERATE for digits in ('9' * 400, '9' * 5000)),
        ('box_tags', '<box>10 20 30</box>'),
        ('box_tags', '<box>10 20 30 40'),
        ('location_tokens', '<loc_1><loc_2><loc_3>'),
        ('florence2', '<loc_0><loc_0><loc_1>'),
        ('florence2', '<loc_0><loc_0><loc_1><loc_1000>'),
        ('florence2_polygons', '<loc_0><loc_0><loc_1><loc_1>'),
        ('paligemma', '<loc0000><loc0000><loc0512>'),
        ('paligemma', '<loc0000><loc0000><loc0512><loc1024>'),
        ('paligemma', '<loc_1><loc_2><loc_3><loc_4>'),
        ('qwen', '<|box_start|>(10,20)<|box_end|>'),
        ('qwen', '(10,20),(30,40)'),
        ('qwen', '[{"bbox_2d": [10, 20, 30, 40]}]'),
        ('internvl', '[[10, 20, 30, 40]]'),
    ],
)
def test_what_is_no_answer_in_the_format_is_unparsed(name, text):
    with pytest.raises(UnparsedTextError):
        TEXT_FORMATS[name].parse(text)


def test_polygons_of_florence_have_parts():
    triangle = '<loc_0><loc_0><loc_9><loc_0><loc_9><loc_9>'
    (region,) = TEXT_FORMATS['florence2_polygons'].parse(f'{triangle}<sep>{triangle}').regions
    assert region == [[0.0005, 0.0005, 0.0095, 0.0005, 0.0095, 0.0095]] * 2


def test_formats_of_models_fix_the_unit_and_general_ones_do_not():
    fixed = {name for name, text_format in TEXT_FORMATS.items() if text_format.unit}
    assert fixed == {'florence2', 'florence2_polygons', 'paligemma', 'qwen', 'internvl', 'gemini'}


@pytest.mark.parametrize('name', TEXT_FORMATS)
def test_texts_that_never_end_are_read_in_time(name):
    for part in (
        '[120, 345, 310, 2',
        '0',
        '[',
        '[[1,2],',
        '{"a":',
        '<box>',
        '<|box_start|>',
        '(1,',
        '[1,2,3,4;',
        '<loc_',
    ):
        start = time.process_time()
        with contextlib.suppress(UnparsedTextError):
            TEXT_FORMATS[name].parse('[120, 345, 310, 2' + part * (100_000 // len(part)))
        assert time.process_time() - start < 2, part
