"""A drawn picture with questions, and ``mmvg demo``, which asks them."""

import cv2
import numpy as np
import pytest

from mmvg.apis import draw_scene_with_questions
from mmvg.cli import main
from mmvg.refshapes import SIZES, make_record


@pytest.mark.parametrize('number', range(6))
def test_the_first_questions_mean_one_object_several_and_none_and_boxes_enclose_masks(number):
    picture, questions = draw_scene_with_questions(number)
    counts = [len(question.boxes) for question in questions]
    assert len(counts) == 4
    assert counts[0] == 1
    assert counts[1] > 1
    for question in questions:
        assert question.masks.shape == (len(question.boxes), *picture.shape[:2])
        for (x0, y0, x1, y1), mask in zip(question.boxes, question.masks, strict=True):
            rows, columns = np.nonzero(mask)
            assert (columns.min(), rows.min()) == pytest.approx((x0, y0), abs=1.5)
            assert (columns.max() + 1, rows.max() + 1) == pytest.approx((x1, y1), abs=1.5)


def test_some_of_the_pictures_have_a_question_that_means_nothing():
    counts = [len(question.boxes) for number in range(6) for question in draw_scene_with_questions(number)[1]]
    assert 0 in counts


def test_a_number_gives_the_same_picture_and_no_data_set_of_a_small_seed_has_it():
    picture, questions = draw_scene_with_questions(3)
    again, same = draw_scene_with_questions(3)
    assert np.array_equal(picture, again)
    assert [question.text for question in questions] == [question.text for question in same]
    for seed in (0, 1):
        assert not np.array_equal(picture, make_record(SIZES['small'], seed, 'val', 3, [])[1])


def test_the_first_question_alone_can_be_asked_for_and_nonsense_cannot():
    assert len(draw_scene_with_questions(0, count=1)[1]) == 1
    with pytest.raises(ValueError, match='0 or more, and of questions 1 or more, not -1 and 4'):
        draw_scene_with_questions(-1)


def test_the_demo_without_a_picture_answers_four_questions_and_draws_them(random_checkpoint, tmp_path, capsys):
    main(
        [
            'demo',
            'scene',
            '--checkpoint',
            str(random_checkpoint('instancevg')),
            '--number',
            '2',
            '--out-dir',
            str(tmp_path),
        ]
    )
    printed = capsys.readouterr().out
    picture, questions = draw_scene_with_questions(2)
    for question in questions:
        assert f'"{question.text}" ({len(question.boxes)} in the picture): ' in printed
    assert np.array_equal(cv2.imread(str(tmp_path / 'scene_2.png')), picture)
    sheet = cv2.imread(str(tmp_path / 'answers_2.png'))
    assert sheet.shape[0] > 2 * 480  # two rows of cards
    assert f'the answers are drawn in {tmp_path}' in printed
