"""Everything that goes wrong in files of answers: an error that names line and cure, or a counted finding."""

import json
import re

import pytest
from PIL import Image

from mmvg.scoring import AnswerError, DeclarationError, MisfitError, open_truth, score_answers
from mmvg.scoring.report import MISFITS

MUG, CUP = [8, 6, 40, 30], [40, 30, 72, 54]
RIGHT = [dict(sent_id=1, boxes=[MUG]), dict(sent_id=2, boxes=[CUP]), dict(sent_id=3, boxes=[MUG, CUP])]
RIGHT = [*RIGHT, dict(sent_id=4, boxes=[])]
DECLARED = dict(unit='pixel', rule='all')
RLE = dict(size=[60, 80], counts=[0, 4800])
NAN = float('nan')


def first(**answer):
    """The right answers, the first of them replaced."""
    return [dict(sent_id=1) | answer, *RIGHT[1:]]


@pytest.mark.parametrize(
    ('records', 'declared', 'kind', 'message'),
    [
        (first(boxes=[[8, 6, NAN, 30]]), {}, AnswerError, r'line 1: boxes holds NaN .* leave such rows out'),
        (first(boxes=[[8, 6, 1e999, 30]]), {}, AnswerError, r'line 1: boxes holds NaN or infinity'),
        (first(boxes=[MUG], scores=[NAN]), {}, AnswerError, 'line 1: scores holds NaN'),
        (first(boxes=[MUG], target_score=NAN), {}, AnswerError, 'line 1: target_score is nan, not a finite number'),
        (first(boxes=[[40, 30, 8, 6]]), {}, AnswerError, r'line 1: box 0, \[40, 30, 8, 6\], has its corners reversed'),
        (
            first(boxes=[[40, 30, 32, 24]]),
            {},
            AnswerError,
            'declare --layout xywh if the last two are width and height',
        ),
        (first(boxes=[[8, 6, 32, -4]]), dict(layout='xywh'), AnswerError, 'has its corners reversed'),
        (first(boxes=[[8, 6, 40]]), {}, AnswerError, 'line 1: boxes is no list of rows of 4 numbers'),
        (first(boxes=MUG), {}, AnswerError, 'line 1: boxes is no list of rows of 4 numbers'),
        (first(boxes=[['8', None, 1, 2]]), {}, AnswerError, 'line 1: boxes is no list of rows'),
        (first(boxes='[8, 6, 40, 30]'), {}, AnswerError, 'line 1: boxes is no list of rows'),
        (first(boxes=[MUG], scores=[1, 2]), {}, AnswerError, 'line 1: 2 scores for 1 boxes'),
        (first(boxes=[MUG], score=[1]), {}, AnswerError, "line 1: unknown key 'score'; did you mean 'scores'"),
        (first(boxes=[MUG], no_target=True), {}, AnswerError, 'line 1: no_target is true, but there are boxes'),
        (first(no_target='yes'), {}, AnswerError, "line 1: no_target is 'yes': write true or false"),
        (first(), {}, AnswerError, 'line 1: no answer in it: write one of boxes'),
        (first(no_target=None), {}, AnswerError, 'line 1: no answer in it: write one of boxes'),
        (first(boxes=None, text=None), {}, AnswerError, 'line 1: no answer in it: write one of boxes'),
        (
            first(grasps=[[1, 2, 3, 4, 0]]),
            {},
            AnswerError,
            'line 1: the protocol scores boxes, and the answer has none',
        ),
        (first(grasps=[], no_target=None), {}, AnswerError, 'line 1: the protocol scores boxes'),
        (first(text='x', boxes=[]), dict(text_format='json'), AnswerError, 'line 1: both text and boxes'),
        (first(text=['x']), dict(text_format='json'), AnswerError, 'line 1: text is a list, not a string'),
        (first(boxes=[MUG], input_size=[0, 4]), {}, AnswerError, r'line 1: input_size is \[0, 4\]: write \[width'),
        (first(boxes=[MUG], masks=[]), {}, AnswerError, 'line 1: 1 boxes and 0 masks: write one mask per box'),
        ([*RIGHT, '{"sent_id": 5, "boxes": ' + 9000 * '[' + 9000 * ']' + '}'], {}, AnswerError, 'line 5: .* nested'),
        ([*RIGHT, '{"sent_id": ' + 400 * '9' + '}'], {}, AnswerError, 'line 5: .* 400 digits'),
        ([*RIGHT, '{"sent_id": 5, "boxes": [[1, 2'], {}, AnswerError, 'line 5: not whole JSON .* was the file cut off'),
        ([*RIGHT[:2], '[1, 2]', *RIGHT[2:]], {}, AnswerError, 'line 3: a list, not an object'),
        ([*RIGHT[:3], dict(ref_id=4, boxes=[])], {}, AnswerError, 'line 4: sent_id is missing'),
        ([dict(boxes=[MUG])], {}, AnswerError, 'line 1: it does not say what it answers: write the ids'),
        (['<html><body>Log in'], {}, AnswerError, r'the file is a web page .* download the file again'),
        ([''], {}, AnswerError, 'no answer in it'),
        ([dict(declaration='pixel'), *RIGHT], {}, AnswerError, 'line 1: write {"declaration"'),
        (RIGHT, dict(unit=None), DeclarationError, 'line 1: the unit of the boxes is not declared; it is not guessed'),
        (RIGHT, dict(rule=None), DeclarationError, 'which box counts is not declared; it is not guessed'),
        (first(text='[1,2,3,4]'), {}, DeclarationError, 'line 1: the format of the texts is not declared'),
        (first(text=''), dict(text_format='jsn'), DeclarationError, "unknown text format 'jsn'.*did you mean 'json'"),
        (first(text=''), dict(text_format='qwen'), DeclarationError, 'qwen has its numbers in permille, but pixel is'),
        (
            RIGHT,
            dict(unit=None, text_format='qwen', layout='xywh'),
            DeclarationError,
            'qwen has its boxes as xyxy, but',
        ),
        (RIGHT, dict(frame='resized'), DeclarationError, 'line 1: pixels of a resized picture need its size'),
        ([dict(declaration=dict(unit='permille')), *RIGHT], {}, DeclarationError, "unit is declared as 'pixel', but"),
        (first(boxes=[MUG, CUP]), dict(rule='best_scored'), AnswerError, '2 boxes or masks without "scores"'),
        (RIGHT[:3], {}, MisfitError, r"1 missing answer, such as dataset='custom' .*\('the dog'\).*--allow missing"),
        (
            [*RIGHT, dict(sent_id=9, boxes=[])],
            {},
            MisfitError,
            '1 unknown id, such as answers.jsonl, line 5: sent_id=9',
        ),
        ([*RIGHT, RIGHT[1]], {}, MisfitError, '1 double answer, such as answers.jsonl, line 5: sent_id=2'),
        (
            [dict(row, sent_id=str(row['sent_id'])) for row in RIGHT],
            {},
            MisfitError,
            r"\('the mug'; line 1 has sent_id='1', which is a text, where the data has the number 1\)",
        ),
        (
            first(boxes=[MUG], expression='the cup'),
            {},
            AnswerError,
            "line 1: the answer is to 'the cup', but .* sent_id=1 is 'the mug' in the data",
        ),
        ([dict(img_id=1, boxes=[MUG]), dict(img_id=2, boxes=[])], {}, MisfitError, 'id of several expressions'),
    ],
)
def test_what_cannot_be_scored_is_an_error_with_line_and_cure(
    records, declared, kind, message, write_lines, truth_file
):
    path = write_lines('answers.jsonl', records)
    with pytest.raises(kind, match=message):
        score_answers(open_truth(str(truth_file)), path, 'grec', DECLARED | declared)


def test_case_and_punctuation_of_a_sentence_do_not_matter(write_lines, truth_file):
    path = write_lines('answers.jsonl', first(boxes=[MUG], expression='The  mug.'))
    score_answers(open_truth(str(truth_file)), path, 'grec', DECLARED)


@pytest.mark.parametrize(
    ('mask', 'message'),
    [
        (
            dict(size=[80, 60], counts=[0, 4800]),
            r'line 1, mask 0: \[80, 60\] .* on a picture of \[60, 80\]: resize masks',
        ),
        (dict(size=[60, 80], counts=[0, 4799]), 'line 1, mask 0: malformed: runs sum to 4799'),
        (dict(size=[60, 80], counts='\x7f'), 'line 1, mask 0: malformed: .*foreign character'),
        (dict(counts=[1]), r"line 1, mask 0: malformed: an RLE needs size and counts; \['size'\] missing"),
        ([[1, 2, 3, 4]], 'line 1, mask 0: malformed: polygon .*at least 6'),
        ([[1, 2, NAN, 4, 5, 6]], 'line 1, mask 0: a polygon holds NaN'),
        ([], 'line 1, mask 0: malformed: there is no polygon'),
        ('none.png', 'line 1, mask 0: there is no file .*none.png: paths are relative'),
        ('text.png', 'line 1, mask 0: .*text.png cannot be read as a picture'),
        ('colour.png', 'line 1, mask 0: .*colour.png has 3 channels: write a PNG of one channel'),
        ('small.png', r'line 1, mask 0: \[30, 40\] \(height, width\) on a picture of \[60, 80\]'),
        (7, 'line 1, mask 0: malformed'),
    ],
)
def test_masks_that_cannot_be_scored_are_errors(mask, message, write_lines, truth_file, tmp_path):
    (tmp_path / 'text.png').write_text('no picture')
    Image.new('RGB', (80, 60)).save(tmp_path / 'colour.png')
    Image.new('L', (40, 30)).save(tmp_path / 'small.png')
    others = [dict(sent_id=number, masks=[]) for number in (2, 3, 4)]
    path = write_lines('answers.jsonl', [dict(sent_id=1, masks=[mask]), *others])
    with pytest.raises(AnswerError, match=message):
        score_answers(open_truth(str(truth_file)), path, 'gres', DECLARED)


def test_boxes_do_not_stand_in_for_masks_nor_masks_for_boxes(write_lines, truth_file):
    truth = open_truth(str(truth_file))
    with pytest.raises(AnswerError, match='line 1: the protocol scores masks, and the answer has none'):
        score_answers(truth, write_lines('boxes.jsonl', RIGHT), 'gres', DECLARED)
    masks = [dict(sent_id=number, masks=[RLE]) for number in (1, 2, 3, 4)]
    with pytest.raises(AnswerError, match='line 1: the protocol scores boxes, and the answer has none'):
        score_answers(truth, write_lines('masks.jsonl', masks), 'grec', DECLARED)


@pytest.mark.parametrize(
    ('records', 'declared', 'kind', 'score'),
    [
        (first(text=''), dict(text_format='json'), 'empty text', 75),
        (first(text='I see no mug.'), dict(text_format='json'), 'unparsed', 75),
        (first(text='[40, 30, 8, 6]'), dict(text_format='json'), 'unparsed', 75),  # a model's fault, not the file's
        ([*RIGHT[:3], dict(sent_id=4, text='nothing')], dict(text_format='json'), 'unparsed', 75),  # no verdict
        (first(boxes=[[80, 60, 400, 300]]), {}, 'box beyond the frame', 75),
        (RIGHT[:3], {}, 'missing answer', 75),
        ([*RIGHT[1:], dict(sent_id=1, boxes=[])], {}, None, 75),
        ([*RIGHT, dict(sent_id=1, boxes=[])], {}, 'double answer', 100),  # the first counts
        ([*RIGHT, dict(sent_id=9, boxes=[])], {}, 'unknown id', 100),
    ],
)
def test_what_is_odd_is_counted_and_scored_as_it_is(records, declared, kind, score, write_lines, truth_file):
    path = write_lines('answers.jsonl', records)
    report = score_answers(open_truth(str(truth_file)), path, 'grec', DECLARED | declared, allow=MISFITS)
    assert report.scores['grec/F1'] == score
    assert report.counts == dict(expressions=4, answers=len(records), unparsed=0) | (
        {kind: 1} | (dict(unparsed=1) if 'text' in kind else {}) if kind else {}
    )


@pytest.fixture
def two_of_a_name(write_lines):
    """A truth of two pictures that are called the same; answers are right for them in turn."""
    lines = [
        dict(image=f's{n}/1.png', expression='the mug', boxes=[box], width=80, height=60)
        for n, box in enumerate((MUG, CUP), start=1)
    ]
    return open_truth(str(write_lines('twins.jsonl', lines)))


@pytest.mark.parametrize('folder', ['', 'somewhere/'])
def test_pictures_of_one_name_are_told_apart_by_their_paths(folder, two_of_a_name, write_lines):
    rows = [dict(image=f'{folder}s{n}/1.png', expression='the mug', boxes=[box]) for n, box in ((2, CUP), (1, MUG))]
    report = score_answers(two_of_a_name, write_lines('a.jsonl', rows), 'grec', DECLARED)
    assert (report.scores['grec/F1'], report.counts['answers']) == (100, 2)
    with pytest.raises(MisfitError, match='1 double answer, such as'):
        score_answers(two_of_a_name, write_lines('a.jsonl', [*rows, rows[0]]), 'grec', DECLARED)


@pytest.mark.parametrize(
    ('images', 'error', 'message'),
    [
        (
            ['1.png'],
            MisfitError,
            'line 1: two pictures of the data are called 1.png, one of them .*s2/1.png.* full paths',
        ),
        (['s1/1.png'], MisfitError, 'line 1: two pictures of the data are called 1.png'),
        (['a/1.png', 'b/1.png'], AnswerError, 'lines 1, 2: several pictures are called 1.png, and which one is .*s1/1'),
    ],
)
def test_one_answer_does_not_count_for_two_pictures(images, error, message, two_of_a_name, write_lines):
    rows = [dict(image=image, expression='the mug', boxes=[MUG]) for image in images]
    with pytest.raises(error, match=message):
        score_answers(two_of_a_name, write_lines('a.jsonl', rows), 'grec', DECLARED)


@pytest.mark.parametrize(
    ('scale', 'declared', 'message'),
    [
        (1, dict(unit='fraction'), 'boxes lie beyond the frame .* fraction in frame original makes impossible'),
        (20, dict(unit='permille'), 'boxes lie beyond the frame .* permille'),
        (20, dict(unit='pixel'), 'boxes lie beyond the frame .* pixel'),
        (1 / 80, dict(unit='pixel'), 'every number lies between 0 and 1, which are fractions: pixel is declared'),
        (1 / 80, dict(unit='permille'), 'every number lies between 0 and 1'),
        (1, dict(unit='pixel', layout='xywh'), 'are unit, frame and layout declared as they are'),
    ],
)
def test_a_unit_that_the_numbers_make_impossible_is_a_warning(scale, declared, message, write_lines, truth_file):
    records = [dict(row, boxes=[[side * scale for side in box] for box in row['boxes']]) for row in RIGHT]
    report = score_answers(open_truth(str(truth_file)), write_lines('a.jsonl', records), 'grec', DECLARED | declared)
    assert any(re.search(message, warning) for warning in report.warnings)


def test_right_answers_have_no_warning_and_the_first_line_may_declare(write_lines, truth_file):
    path = write_lines('a.jsonl', [dict(declaration=DECLARED), *RIGHT])
    report = score_answers(open_truth(str(truth_file)), path, 'grec')
    assert report.warnings == []
    assert report.scores['grec/F1'] == 100
    assert json.loads(json.dumps(report.declaration)) == DECLARED | dict(frame='original', layout='xyxy')


def test_a_protocol_of_one_box_takes_no_rule_that_counts_several(write_lines, truth_file):
    with pytest.raises(DeclarationError, match='--rule all does not fit protocol rec'):
        score_answers(open_truth(str(truth_file)), write_lines('a.jsonl', RIGHT), 'rec', DECLARED)


@pytest.mark.parametrize(
    ('protocol', 'settings', 'message'),
    [
        ('grecc', {}, "unknown protocol 'grecc'.*did you mean 'grec'"),
        ('grec', dict(score_th=0.5), "no setting 'score_th'.*did you mean 'score_thr'"),
        ('grec', dict(resolution='resized'), 'is not for files of answers'),
    ],
)
def test_an_unknown_protocol_or_setting_names_the_nearest(protocol, settings, message, write_lines, truth_file):
    with pytest.raises(ValueError, match=message):
        score_answers(open_truth(str(truth_file)), write_lines('a.jsonl', RIGHT), protocol, DECLARED, settings)


def test_two_splits_are_an_error():
    for data in ('refcoco:testA', 'instancevg/refshapes'):
        with pytest.raises(ValueError, match=f'--data {data} --split testB'):
            open_truth(data, split='testB')


@pytest.mark.parametrize(
    ('data', 'error', 'message'),
    [
        ('none.jsonl', FileNotFoundError, 'there is no such file of JSON lines'),
        ('refcoco', ValueError, 'name the split too, such as refcoco:val'),
        ('refcocoo:val', FileNotFoundError, "did you mean 'refcoco'"),
    ],
)
def test_data_that_is_not_there_is_named(data, error, message):
    with pytest.raises(error, match=message):
        open_truth(data)
