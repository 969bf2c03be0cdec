import json

import cv2
import numpy as np
import pytest
from PIL import Image

from mmvg.apis import answer_record, read_image
from mmvg.apis.answer_records import answer_of
from mmvg.visualization.layers import PARTS
from mmvg.webpage import ModelChoice
from mmvg.webpage.kept_answers import AskedPicture, KeptAnswers, packed_bytes
from mmvg.webpage.limits import Limits
from mmvg.webpage.session import Session, explain, records, table

SENTENCES = 'the red ring\n\n  both stars \n'


def test_every_line_is_asked_and_blank_ones_are_not(session, picture):
    label = next(iter(session.choices))
    answers = session.ask(label, str(picture), SENTENCES)
    assert [sample.expression for sample in answers.samples] == ['the red ring', 'both stars']
    expected = session.model(label)(picture, ['the red ring', 'both stars'], score_thr=0.05)['predictions']
    found = records(answers, 0.05)
    assert [row['boxes'] for row in found] == [row['boxes'] for row in expected]
    pictures = session.draw(answers, 0.05, ['boxes'])
    assert [drawn.dtype for drawn in pictures] == [np.uint8] * 2
    with_attention = session.draw(answers, 0.05, ['boxes', 'attention'])
    assert with_attention[0].shape[1] > 1.8 * pictures[0].shape[1]


def test_an_exported_model_is_asked_as_well(session, picture, monkeypatch):
    label = next(iter(session.choices))
    model, expected = session.model(label), session.ask(label, str(picture), SENTENCES)

    class Exported:
        """Answers as an ``ExportedInferencer`` does."""

        score_thr = model.score_thr

        def __call__(self, *arguments, **options):
            return dict(predictions=[answer_of(sample) for sample in model(*arguments, **options)['predictions']])

    monkeypatch.setattr(session, 'model', lambda _: Exported())
    answers = session.ask(label, str(picture), SENTENCES)
    assert records(answers, 0.05) == records(expected, 0.05)
    assert records(answers, 0.05)[0]['boxes']


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
    drawn, bare = (session.draw(answers, answers.own_thr, parts) for parts in (['grasps'], []))
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
        ('scene', 'ring ' * 101, '504 letters'),
        ('scene', 'ring ' * 10**6, 'too many at once'),
        ('scene', 'ring\n' * (Limits.sentences + 1), 'too many at once'),
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
            session.draw(answers, threshold)


def test_a_fault_of_ours_points_to_the_terminal(caplog):
    assert 'the terminal shows where' in explain(RuntimeError('shapes'))
    assert 'the page could not answer' in caplog.text


def test_pictures_of_phones_are_asked_upright(session, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / 'phone.jpg', exif=exif)
    assert session.ask(next(iter(session.choices)), str(tmp_path / 'phone.jpg'), 'a ring').size == (60, 40)


@pytest.mark.parametrize('number', [0, 2])
@pytest.mark.parametrize('threshold', [0.0, 0.05, 0.5, 1.0])
def test_packed_answers_give_the_records_and_pictures_of_whole_ones(session, picture, number, threshold):
    label = list(session.choices)[number]
    sentences = ['the red ring', 'both stars']
    asked = session.ask(label, str(picture), '\n'.join(sentences))
    whole = session.model(label)(picture, sentences, return_datasamples=True)['predictions']
    image = np.ascontiguousarray(read_image(picture)[..., ::-1])
    for sample, packed, record, drawn in zip(
        whole, asked.samples, records(asked, threshold), session.draw(asked, threshold), strict=True
    ):
        expected = answer_record(sample, threshold) | dict(image=picture.name)
        expected = json.loads(json.dumps(expected))
        # alone or in one batch, floats may round otherwise
        assert np.allclose(record.pop('grasps', []), expected.pop('grasps', []), atol=1e-3)
        assert np.allclose(record.pop('grasp_scores', []), expected.pop('grasp_scores', []), atol=1e-6)
        assert record == expected
        assert np.array_equal(drawn, session.visualizer.draw(image, sample, score_thr=threshold, parts=PARTS))
        assert packed_bytes(packed) < 40_000


def test_a_large_photograph_is_drawn_from_what_is_shown_of_it(session, picture, tmp_path):
    large = cv2.resize(cv2.imread(str(picture)), (1500, 1100))
    cv2.imwrite(str(tmp_path / 'large.png'), large)
    label = next(iter(session.choices))
    asked = session.ask(label, str(tmp_path / 'large.png'), 'the red ring')
    assert asked.picture.shape == (352, 480, 3)
    assert asked.size == (1100, 1500)
    assert asked.nbytes < 1_000_000
    (whole,) = session.model(label)(tmp_path / 'large.png', 'the red ring', return_datasamples=True)['predictions']
    expected = session.visualizer.draw(large[..., ::-1], whole, score_thr=0.05, parts=['boxes', 'masks'])
    assert np.array_equal(session.draw(asked, 0.05, ['boxes', 'masks'])[0], expected)


def test_what_a_visitor_may_keep_is_bounded(session, picture):
    small = Session(list(session.choices.values()), device='cpu', limits=Limits(visitor_mb=0.01))
    with pytest.raises(ValueError, match=r'more than the 0\.01 MB that a visitor may take'):
        small.ask(next(iter(small.choices)), str(picture), SENTENCES)


def test_what_all_visitors_keep_is_bounded_and_the_oldest_goes_first():
    def asked(megabytes):
        return AskedPicture(np.zeros((1, megabytes * 1_000_000, 1), np.uint8), (1, 1), [], 0.5)

    kept = KeptAnswers(max_bytes=10_000_000)
    first, second, third = (kept.put(asked(3)) for _ in range(3))
    kept.get(first)
    fourth = kept.put(asked(3))
    assert kept.nbytes == 9_000_000
    with pytest.raises(ValueError, match='press Find again'):
        kept.get(second)
    assert [kept.get(ticket).size for ticket in (first, third, fourth)] == [(1, 1)] * 3
    fifth = kept.put(asked(9), instead_of=fourth)
    assert kept.nbytes == 9_000_000
    kept.drop(fifth)
    kept.drop(fifth)
    kept.drop(None)
    assert kept.nbytes == 0


def test_models_that_cannot_be_loaded_do_not_keep_the_page_from_starting(session):
    backwards = Session(list(session.choices.values())[::-1], device='cpu')
    assert backwards.first_model() == list(session.choices)[-2]  # the last carries no config
    with pytest.raises(ValueError, match='does not carry its config'):
        Session(list(session.choices.values())[-1:], device='cpu').first_model()


def test_models_of_one_name_are_told_apart():
    twice = Session([ModelChoice('/a/b/run/last.pth'), ModelChoice('/c/b/run/last.pth')])
    assert list(twice.choices) == ['b/run/last.pth', 'b/run/last.pth #2']


def test_messages_do_not_tell_where_files_lie():
    assert explain(OSError('/srv/data/models/a.pth: is gone')) == 'a.pth: is gone'
    assert explain(OSError('/srv/anna maria/my data/a.pth: is gone')) == 'a.pth: is gone'
    assert explain(OSError('~/my data/a.pth and C:\\anna maria\\b.pth')) == 'a.pth and b.pth'
    assert explain(OSError('/srv/a.pth does not fit /srv/b.py')) == 'a.pth does not fit b.py'
    assert explain(OSError("[Errno 2] No such file: '/srv/data/a.pth'")) == "[Errno 2] No such file: 'a.pth'"
    assert explain(OSError('work_dirs/run/a.pth: is gone')) == 'work_dirs/run/a.pth: is gone'
    assert 'secret' not in explain(RuntimeError('/srv/secret'))


def test_limits_are_more_than_nothing():
    with pytest.raises(ValueError, match='the limit sentences must be more than 0, not 0'):
        Limits(sentences=0)
