"""One answer, from a record to boxes and masks in original pixels."""

import numpy as np
import pytest
from PIL import Image

from mmvg.masks import decode_mask, encode_mask, polygons_to_rle
from mmvg.scoring import AnswerError, AnswerReader, Declaration, open_truth, score_answers
from mmvg.scoring.findings import Findings

SIZE = (80, 60)  # width, height
BOX = [8.0, 6.0, 40.0, 30.0]
MASK = np.zeros((60, 80), dtype=bool)
MASK[6:30, 8:40] = True
RECTANGLE = [8, 6, 40, 6, 40, 30, 8, 30]


def read(record, folder='.', **declared):
    reader = AnswerReader(Declaration.of(dict(rule='first') | declared), folder)
    return reader.read(record, SIZE, Findings())


@pytest.mark.parametrize(
    ('record', 'declared'),
    [
        (dict(boxes=[[8, 6, 40, 30]]), dict(unit='pixel')),
        (dict(boxes=[[8, 6, 32, 24]]), dict(unit='pixel', layout='xywh')),
        (dict(boxes=[[100, 100, 500, 500]]), dict(unit='permille')),
        (dict(boxes=[[16, 24, 80, 120]], input_size=[160, 240]), dict(unit='pixel', frame='resized')),
        (dict(boxes=[[8, 16, 40, 40]]), dict(unit='pixel', frame='padded-center')),
        (dict(text='[{"bbox_2d": [8, 6, 40, 30]}]'), dict(unit='pixel', text_format='json')),
        (dict(text='{"bbox": [8, 6, 32, 24]}'), dict(unit='pixel', text_format='json', layout='xywh')),
        (dict(text='<|box_start|>(100,100),(500,500)<|box_end|>'), dict(text_format='qwen')),
        (dict(text='<box>[[100, 100, 500, 500]]</box>'), dict(text_format='internvl')),
        (dict(text='[{"box_2d": [100, 100, 500, 500]}]'), dict(text_format='gemini', layout='yxyx')),  # as it is
    ],
)
def test_the_same_box_in_many_words(record, declared):
    assert read(record, **declared).boxes.tolist() == [pytest.approx(BOX, abs=1e-5)]


@pytest.mark.parametrize(
    'mask',
    [
        encode_mask(MASK),
        dict(size=[60, 80], counts=np.diff(np.flatnonzero(np.diff(np.r_[2, MASK.T.ravel(), 2]))).tolist()),
        [RECTANGLE],
        [[8, 6, 40, 6, 40, 18, 8, 18], [8, 18, 40, 18, 40, 30, 8, 30]],
        'mask.png',
    ],
    ids=['compressed', 'runs', 'polygon', 'two polygons', 'png'],
)
def test_the_same_mask_in_many_forms(mask, tmp_path):
    Image.fromarray(MASK).save(tmp_path / 'mask.png')
    answer = read(dict(masks=[mask]), tmp_path, unit='pixel')
    assert decode_mask(answer.masks[0]).tolist() == MASK.tolist()


def test_polygons_are_in_the_declared_unit_and_frame():
    points = np.array(RECTANGLE, dtype=float) / 80 + np.array([0, 10 / 80] * 4)  # of the square, 10 pixels of margin
    answer = read(dict(masks=[[points.tolist()]]), unit='fraction', frame='padded-center')
    assert decode_mask(answer.masks[0]).tolist() == MASK.tolist()


def test_polygons_of_a_text_become_a_mask():
    text = '<loc_99><loc_99><loc_499><loc_99><loc_499><loc_499><loc_99><loc_499>'
    answer = read(dict(text=text), text_format='florence2_polygons')
    assert answer.masks == [polygons_to_rle([[7.96, 5.97, 39.96, 5.97, 39.96, 29.97, 7.96, 29.97]], 60, 80)]


@pytest.mark.parametrize('text', ['None.', ' none ', 'NONE'])
def test_declared_words_say_that_nothing_is_meant(text):
    answer = read(dict(text=text), text_format='json', unit='pixel', nothing='none')
    assert answer.says_nothing()
    assert answer.parsed
    assert not read(dict(text='no'), text_format='json', unit='pixel', nothing=['none']).parsed


@pytest.mark.parametrize(
    'text', ['I see no mug.', f'[1, 2, 3, {"4" * 400}]', f'[1, 2, 3, {"4" * 5000}', '[1e300, 2, 3, 4]']
)
def test_a_text_that_is_no_answer_is_unparsed_whatever_scores_stand_beside_it(text):
    for text_format in ('brackets', 'json'):
        assert not read(dict(text=text, scores=[0.5]), text_format=text_format, unit='pixel').parsed


@pytest.mark.parametrize(
    ('record', 'verdicts'),  # without and with grasps
    [
        (dict(boxes=[]), (True, True)),
        (dict(masks=[]), (True, True)),
        (dict(masks=[dict(size=[60, 80], counts=[4800])]), (True, True)),
        (dict(boxes=[BOX], masks=None), (False, False)),
        (dict(boxes=[BOX], no_target=None), (False, False)),
        (dict(grasps=[]), (False, True)),
        (dict(grasps=[[1, 2, 3, 4, 0]]), (False, False)),
        (dict(grasps=[[1, 2, 3, 4, 0]], boxes=[]), (True, False)),
        (dict(no_target=True), (True, True)),
    ],
)
def test_nothing_is_said_by_what_is_there_and_empty(record, verdicts):
    answer = read(record, unit='pixel')
    assert (answer.says_nothing(), answer.says_nothing(with_grasps=True)) == verdicts


@pytest.mark.parametrize(('rule', 'chosen'), [('first', [0]), ('best_scored', [1]), ('all', [0, 1, 2])])
def test_the_rule_chooses(rule, chosen):
    record = dict(boxes=[BOX, BOX, BOX], scores=[0.2, 0.9, 0.9])
    assert read(record, unit='pixel').choose(rule).tolist() == chosen


def test_the_rule_decides_about_scores_and_the_truth_does_not(write_lines, truth_file):
    """The right box comes second and scores least: no rule finds it."""
    right = [[8, 6, 40, 30], [40, 30, 72, 54], [8, 6, 40, 30], [0, 0, 1, 1]]
    rows = [
        dict(sent_id=number, boxes=[[50, 6, 70, 20], box], scores=[0.9, 0.1])
        for number, box in enumerate(right, start=1)
    ]
    truth, path = open_truth(str(truth_file)), write_lines('a.jsonl', rows)
    scores = {
        rule: score_answers(truth, path, 'grec', dict(unit='pixel', rule=rule), dict(score_thr=0)).scores
        for rule in ('first', 'best_scored', 'all')
    }
    assert [score['grec/F1'] for score in scores.values()] == [0, 0, 0]


def test_masks_of_several_objects_are_united_or_chosen(write_lines, truth_file):
    mug, cup = ([8, 6, 40, 6, 40, 30, 8, 30], [40, 30, 72, 30, 72, 54, 40, 54])
    rows = [dict(sent_id=number, masks=[[mug], [cup]]) for number in (1, 2, 3)] + [dict(sent_id=4, masks=[])]
    path = write_lines('a.jsonl', rows)
    truth = open_truth(str(truth_file))
    found = {
        rule: score_answers(truth, path, 'gres', dict(unit='pixel', rule=rule)).scores['gres/gIoU']
        for rule in ('first', 'all')
    }
    assert found == {'first': pytest.approx(100 * (1 + 0 + 0.5 + 1) / 4), 'all': pytest.approx(100 * (0.5 * 2 + 2) / 4)}


def test_answers_are_found_by_picture_and_sentence(write_lines, truth_file):
    rows = [
        dict(image='somewhere/a.png', expression='the cup', boxes=[[40, 30, 72, 54]]),
        dict(image='a.png', expression='the mug', boxes=[BOX]),
        dict(image='a.png', expression='the vessels', boxes=[[40, 30, 72, 54], BOX]),
        dict(image='b.png', expression='the dog', boxes=[]),
    ]
    path = write_lines('a.jsonl', rows)
    assert (
        score_answers(open_truth(str(truth_file)), path, 'grec', dict(unit='pixel', rule='all')).scores['grec/F1']
        == 100
    )


def test_a_sentence_beside_ids_may_differ_in_case_and_space(write_lines, truth_file):
    rows = [dict(sent_id=1, boxes=[BOX], expression=' The mug '), *(dict(sent_id=n, boxes=[]) for n in (2, 3, 4))]
    report = score_answers(
        open_truth(str(truth_file)), write_lines('a.jsonl', rows), 'grec', dict(unit='pixel', rule='all')
    )
    assert report.scores['grec/F1'] == 50


def test_silence_is_no_verdict(write_lines, truth_file):
    """A missing answer is wrong where nothing is meant, too, by every source of the verdict."""
    path = write_lines('a.jsonl', [dict(sent_id=1, masks=[[RECTANGLE]])])
    truth = open_truth(str(truth_file))
    for protocol in ('gres', 'gres_mask', 'gres_score'):
        report = score_answers(truth, path, protocol, dict(unit='pixel', rule='all'), allow=['missing'])
        assert report.counts['missing answer'] == 3
        assert report.scores['gres/N-acc'] == 0
        assert report.scores['gres/gIoU'] == 25


def test_hashes_tell_data_and_answers_apart(write_lines, truth_file):
    rows = [dict(sent_id=number, boxes=[BOX]) for number in (1, 2, 3, 4)]

    def hashes(answers):
        path = write_lines('a.jsonl', answers)
        report = score_answers(open_truth(str(truth_file)), path, 'grec', dict(unit='pixel', rule='all'))
        return report.data['sha256'], report.answers['sha256']

    data, answers = hashes(rows)
    assert hashes(rows) == (data, answers)
    same_data, other_answers = hashes([*rows[:3], dict(sent_id=4, boxes=[])])
    assert (same_data == data, other_answers == answers) == (True, False)
    truth_file.write_text(truth_file.read_text().replace('[[8, 6, 40, 30]]', '[[8, 6, 40, 31]]', 1))
    other_data, same_answers = hashes(rows)
    assert (other_data == data, same_answers == answers) == (False, True)


def test_answers_of_our_own_are_read_with_all_that_they_carry():
    record = dict(version=2, image='a.jpg', expression='x', size=[60, 80], frame='original', score_thr=0.5)
    record |= dict(no_target=False, target_score=0.9, mask=encode_mask(MASK), candidates=dict(boxes=[]))
    found = read(record | dict(boxes=[BOX], scores=[0.9], points=[[1, 1]]), unit='pixel', rule='all')
    assert (found.boxes.tolist(), found.masks) == ([pytest.approx(BOX)], None)
    assert decode_mask(read(record, unit='pixel', rule='all').masks[0]).tolist() == MASK.tolist()
    assert read(record | dict(no_target=True), unit='pixel', rule='all').masks == []
    with pytest.raises(AnswerError, match=r'about a picture of \[80, 60\] .* turned upright'):
        read(record | dict(size=[80, 60]), unit='pixel')
