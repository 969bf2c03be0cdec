"""Figures of papers: panels of queries, bars, and which answers a sheet shows."""

import numpy as np
import pytest

from mmvg.visualization.figures import draw_bars, draw_queries
from mmvg.visualization.layers import candidates
from mmvg.visualization.palette import BLUE, LIGHT
from mmvg.visualization.varied_sheet import choose_varied, question_kind
from tests.visualization.test_grounding_visualizer import BOX, IMAGE, OTHER, REFUSED, RIGHT, answered, has

HEIGHT, WIDTH = IMAGE.shape[:2]


def test_the_bar_of_a_query_is_blue_where_it_is_part_of_the_answer():
    picture = draw_queries(IMAGE, RIGHT, score_thr=0.7, panel_size=200)
    assert has(picture, BLUE)
    assert has(picture, LIGHT)
    assert not has(draw_queries(IMAGE, REFUSED, score_thr=0.7, panel_size=200), BLUE)


def test_queries_are_drawn_whatever_they_score():
    proposed = candidates(REFUSED, (HEIGHT, WIDTH))
    assert proposed.boxes.tolist() == [BOX, OTHER]
    one = proposed.instance(1)
    assert one.boxes.tolist() == [OTHER]
    assert one.masks.shape == (1, HEIGHT, WIDTH)
    assert len(one.points) == 1


@pytest.mark.parametrize(
    ('sample', 'kind'),
    [
        (REFUSED, 'none'),
        (answered([BOX, OTHER], [BOX], [0.9]), 'several'),
        (answered([BOX], [BOX], [0.9], kind='part'), 'one, part'),
        (answered([BOX], [BOX], [0.9], text='the mug to the left of the box'), 'one, relation'),
    ],
)
def test_questions_are_told_apart_by_what_they_ask_for(sample, kind):
    assert question_kind(sample) == kind


def test_a_sheet_shows_every_kind_before_one_twice_and_one_wrong_answer_last():
    kinds = ['one'] * 6 + ['none', 'several', 'several']
    agreements = [0.9, 0.8, 0.7, 0.2, 0.3, 0.1, 1.0, 0.6, 0.9]
    chosen, right = choose_varied(kinds, agreements, count=5)
    assert [kinds[i] for i in chosen[:-1]] == ['none', 'several', 'one', 'several']
    assert chosen[2] == 1  # the middle of the right ones of its kind
    assert chosen[-1] == 3  # 0.2, the middle of the wrong ones
    assert right == pytest.approx(6 / 9)


@pytest.mark.parametrize('agreements', [[1, 1, 1, 1], [0, 0, 0, 0]])
def test_a_sheet_is_full_where_all_answers_are_right_or_all_are_wrong(agreements):
    assert len(choose_varied(['one'] * 4, agreements, count=3)[0]) == 3


def test_a_sheet_of_one_answer_shows_a_right_one():
    assert choose_varied(['one'] * 4, [0.9, 0.9, 0.9, 0.1], count=1)[0] == [1]
    assert choose_varied(['one'] * 2, [0.1, 0.1], count=1)[0] == [0]


def test_a_query_with_the_box_of_the_answer_and_a_low_score_is_not_part_of_it():
    twice = draw_queries(IMAGE, answered([BOX], [BOX, BOX], [0.9, 0.2]), score_thr=0.7, panel_size=200)
    once = draw_queries(IMAGE, answered([BOX], [BOX, BOX], [0.9, 0.8]), score_thr=0.7, panel_size=200)
    assert has(twice, LIGHT)
    assert not has(once, LIGHT)


def test_bars_of_many_rows_and_of_odd_names_are_told_apart(tmp_path):
    rows = {name: {'mIoU': 50.0} for name in ('_base', 'a$\\q$', *map(str, range(8)))}
    draw_bars(rows, tmp_path / 'bars.svg')
    text = (tmp_path / 'bars.svg').read_text()
    assert '<!--  _base -->' in text
    assert '<!-- a$\\q$ -->' in text
    assert '<pattern' in text  # of the hatches


def test_bars_leave_out_scores_that_a_row_lacks(tmp_path):
    draw_bars({'first': {'mIoU': 50.0, 'P@0.5': 60.0}, 'second': {'mIoU': 55.0}}, tmp_path / 'bars.svg')
    drawn = (tmp_path / 'bars.svg').read_text()
    assert drawn.count('<path') > 3
    with pytest.raises(ValueError, match='no score'):
        draw_bars({}, tmp_path / 'bars.svg')
    with pytest.raises(ValueError, match='ending'):
        draw_bars({'first': {'mIoU': 50.0}}, tmp_path / 'bars.xyz')


def test_an_axis_that_does_not_begin_at_zero_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__('matplotlib').rcParams, 'svg.fonttype', 'none')
    draw_bars({'a': {'x': 90.0}, 'b': {'x': 95.0}}, tmp_path / 'bars.svg', title='CoverAcc', from_zero=False)
    assert 'the axis begins at' in (tmp_path / 'bars.svg').read_text()


def test_the_boxes_of_an_answer_are_not_taken_for_another_query():
    twice = answered([BOX], [BOX, list(np.array(BOX) + 0.5)], [0.9, 0.6])
    picture = draw_queries(IMAGE, twice, score_thr=0.7, panel_size=200)
    assert has(picture, LIGHT)
