import numpy as np
import pytest
from PIL import Image

from mmvg.webpage.session import MAX_SENTENCES, Session, explain, records, table

SENTENCES = 'the red ring\n\n  both stars \n'


def test_every_line_is_asked_and_blank_ones_are_not(session, picture):
    label = next(iter(session.choices))
    answers = session.ask(label, str(picture), SENTENCES)
    assert [sample.expression for sample in answers.samples] == ['the red ring', 'both stars']
    expected = session.model(label)(picture, ['the red ring', 'both stars'], score_thr=0.05)['predictions']
    found = records(answers, 0.05)
    assert [row['boxes'] for row in found] == [row['boxes'] for row in expected]
    pictures = session.draw(label, answers, 0.05, ['boxes'])
    assert [drawn.dtype for drawn in pictures] == [np.uint8] * 2
    with_attention = session.draw(label, answers, 0.05, ['boxes', 'attention'])
    assert with_attention[0].shape[1] > 1.8 * pictures[0].shape[1]


def test_the_threshold_decides_what_is_found_and_that_nothing_matches(session, picture):
    answers = session.ask(next(iter(session.choices)), str(picture), SENTENCES)
    low, high = records(answers, 0.0), records(answers, 1.0)
    assert all(row['boxes'] and not row['no_target'] for row in low)
    assert all(not row['boxes'] and row['no_target'] for row in high)
    assert table(high).count('nothing matches') == 2


def test_grasps_are_drawn_where_the_model_gives_them(session, picture):
    label = list(session.choices)[2]
    answers = session.ask(label, str(picture), SENTENCES + 'the mug by its handle')
    found = records(answers, answers.own_thr)
    drawn, bare = (session.draw(label, answers, answers.own_thr, parts) for parts in (['grasps'], []))
    graspable = [bool(row['grasps']) and not row['no_target'] for row in found]
    assert set(graspable) == {True}
    assert [(a != b).any() for a, b in zip(drawn, bare, strict=True)] == graspable
    assert 'grasp at (' in table(found)


def test_no_more_models_stay_loaded_than_allowed(session):
    small = Session(list(session.choices.values()), device='cpu', keep=1)
    first, second = list(small.choices)[:2]
    one = small.model(first)
    assert small.model(first) is one
    two = small.model(second)
    assert small.model(second) is two
    assert small.model(first) is not one
    assert small.model(second) is not two


def test_what_a_user_types_is_not_run_as_html():
    row = dict(expression='<script>alert(1)</script>', no_target=True, target_score=0.1)
    assert '<script>' not in table([row])


@pytest.mark.parametrize(
    ('kind', 'text', 'message'),
    [
        (None, 'a ring', 'upload one'),
        ('scene', '  \n', 'no expression was given'),
        ('scene', '...', 'no word in it'),
        ('scene', 'ring ' * 1000, '1000 words'),
        ('scene', 'ring\n' * (MAX_SENTENCES + 1), 'too many at once'),
        ('notes', 'a ring', 'is not a picture but text'),
        ('empty', 'a ring', 'the file is empty'),
    ],
)
def test_questions_that_cannot_be_asked(session, picture, tmp_path, kind, text, message):
    (tmp_path / 'notes.jpg').write_text('notes')
    (tmp_path / 'empty.jpg').write_bytes(b'')
    path = None if kind is None else str(picture if kind == 'scene' else tmp_path / f'{kind}.jpg')
    with pytest.raises(ValueError, match=message) as error:
        session.ask(next(iter(session.choices)), path, text)
    assert message in explain(error.value)


def test_models_that_cannot_be_asked(session, picture):
    bare = list(session.choices)[-1]
    with pytest.raises(ValueError, match='does not carry its config'):
        session.ask(bare, str(picture), 'a ring')
    with pytest.raises(ValueError, match='choose one of the list'):
        session.ask('another', str(picture), 'a ring')
    answers = session.ask(next(iter(session.choices)), str(picture), 'a ring')
    for threshold in (-0.1, 2, None):
        with pytest.raises(ValueError, match=r'\[0, 1\]'):
            session.draw(next(iter(session.choices)), answers, threshold)


def test_a_fault_of_ours_points_to_the_terminal(caplog):
    assert 'the terminal shows where' in explain(RuntimeError('shapes'))
    assert 'the page could not answer' in caplog.text


def test_pictures_of_phones_are_asked_upright(session, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / 'phone.jpg', exif=exif)
    assert session.ask(next(iter(session.choices)), str(tmp_path / 'phone.jpg'), 'a ring').picture.shape == (60, 40, 3)
