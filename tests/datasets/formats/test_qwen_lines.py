"""ms-swift's grounding lines and the answers of Qwen-VL models, as their documentation shows them."""

import json

import pytest

from mmvg.datasets import DataError, QwenLinesDataset


def line(user, assistant, **more):
    turns = [dict(role='user', content=f'<image>{user}'), dict(role='assistant', content=assistant)]
    return dict(messages=turns, images=['a.png'], **more)


def test_objects_fill_the_placeholders_in_their_order(write, say):
    objects = dict(ref=['a dog', 'a woman'], bbox=[[33.5, 6, 50, 15], [6, 5.5, 10, 14], [7, 5, 11, 13]])
    text = '<ref-object><bbox> and <ref-object><bbox><bbox> are playing'
    items = write(QwenLinesDataset, (line('Describe the image.', text, objects=objects),))
    assert say(items) == {'a dog': [[33.5, 6, 50, 15]], 'a woman': [[6, 5.5, 10, 14], [7, 5, 11, 13]]}


def test_the_unit_of_objects_stands_with_them(write, say):
    objects = dict(ref=['sheep'], bbox=[[0.25, 0.5, 0.5, 0.75]], bbox_type='norm1')
    items = write(QwenLinesDataset, (line('Find the <ref-object> in the image', '<bbox>', objects=objects),))
    assert say(items) == {'sheep': [[16, 24, 32, 36]]}


def test_a_phrase_of_objects_without_a_box_means_nothing(write):
    objects = dict(ref=['sheep'], bbox=[])
    (item,) = write(QwenLinesDataset, (line('Find the <ref-object>.', 'There is none.', objects=objects),))
    assert item['no_target']


TOKENS = line(
    'Find the <|object_ref_start|>sheep<|object_ref_end|> in the image',
    '<|box_start|>(250,500),(500,750)<|box_end|><|box_start|>(0,0),(125,250)<|box_end|>',
)
ANSWER = dict(
    image='a.png',
    conversations=[
        {'from': 'human', 'value': '<image>\nLocate all sheep in this image.'},
        {
            'from': 'gpt',
            'value': '```json\n[{"bbox_2d": [250, 500, 500, 750], "label": "sheep"}, '
            '{"bbox_2d": [0, 0, 125, 250], "label": "sheep"}]\n```',
        },
    ],
)


@pytest.mark.parametrize('content', [TOKENS, ANSWER], ids=['tokens', 'JSON'])
def test_boxes_of_a_text_are_in_the_unit_that_is_declared(write, say, content):
    found = {'sheep': [[16, 24, 32, 36], [0, 0, 8, 12]]}
    assert say(write(QwenLinesDataset, (content,), unit='permille')) == found


def test_a_unit_that_is_not_declared_is_never_guessed(write):
    with pytest.raises(DataError, match=r'boxes without a declared unit: line 1.*Qwen2\.5-VL.*Qwen3-VL.*--unit'):
        write(QwenLinesDataset, (TOKENS,))


def test_a_unit_that_is_impossible_for_the_numbers_is_an_error(write):
    with pytest.raises(DataError, match='not in the declared unit fraction: line 1'):
        write(QwenLinesDataset, (TOKENS,), unit='fraction')


def answer(*pairs):
    return line('Locate all.', json.dumps([dict(bbox_2d=box, label=label) for box, label in pairs]))


def test_the_boxes_of_several_answers_with_one_label_are_all_targets(write, say):
    twice = answer(([250, 500, 500, 750], 'sheep'))
    twice['messages'] += answer(([0, 0, 125, 250], 'sheep'))['messages']
    assert say(write(QwenLinesDataset, (twice,), unit='permille')) == {'sheep': [[16, 24, 32, 36], [0, 0, 8, 12]]}


@pytest.mark.parametrize('malformed', [[1, 2, 3], ['0', 1, 2, 3], None, 5, [float('nan'), 0, 1, 1]])
def test_a_malformed_box_is_named_and_leaves_the_others_in_their_unit(write, say, malformed):
    content = answer(([250, 500, 500, 750], 'sheep'), (malformed, 'sheep'), ([0, 0, 125, 250], 'dog'))
    items = write(QwenLinesDataset, (content,), unit='permille', mode='tolerant')
    assert say(items) == {'sheep': [[16, 24, 32, 36]], 'dog': [[0, 0, 8, 12]]}
    with pytest.raises(DataError, match="file: bbox that is not four numbers: line 1, 'sheep', box 1: "):
        write(QwenLinesDataset, (content,), unit='permille')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(images=['a.png']), 'line without messages'),
        (line('x', '<bbox>', objects=dict(ref=[], bbox=[])), '1 <bbox> in the text, 0 ref and 0 bbox'),
        (line('x', '<bbox>', objects=dict(ref=[], bbox=[[1, 2, 3, 4]])), 'before any <ref-object>'),
        (line('x', 'y', objects=dict(ref=[], bbox=[], bbox_type='norm2')), 'norm2'),
        (line('what is it', 'a sheep'), 'no line has a phrase'),
        (dict(messages=[], images=['c.png']), 'missing image file'),
    ],
)
def test_what_cannot_be_used_is_named(write, content, message):
    with pytest.raises(DataError, match=message):
        write(QwenLinesDataset, (content,), mode='strict')


def test_lines_about_several_pictures_are_left_out(write):
    two = dict(line('x', '[]'), images=['a.png', 'turned.png'])
    assert len(write(QwenLinesDataset, (two, ANSWER), unit='permille')) == 1
