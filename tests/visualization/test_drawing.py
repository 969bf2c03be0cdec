from itertools import combinations

import numpy as np
import pytest

from mmvg.visualization import drawing
from mmvg.visualization.layers import Layers
from mmvg.visualization.palette import BLACK, INSTANCES, WHITE, instance_color, readable_on


def test_text_is_wrapped_to_the_width_and_nothing_is_lost():
    font = drawing.load_font(14)
    text = 'the two small dogs to the left of the bench ' + 'w' * 60
    lines = drawing.wrap(text, font, 120, max_lines=99)
    assert len(lines) > 4
    assert all(font.getlength(line) <= 120 for line in lines)
    assert ''.join(lines).replace(' ', '') == text.replace(' ', '')


def test_text_that_needs_too_many_lines_ends_in_an_ellipsis():
    font = drawing.load_font(14)
    lines = drawing.wrap('word ' * 50, font, 100, max_lines=3)
    assert len(lines) == 3
    assert lines[-1].endswith('…')
    assert font.getlength(lines[-1]) <= 100


def test_an_empty_text_still_has_a_bar():
    assert drawing.text_bar('', 50, 14).shape[1:] == (50, 3)


@pytest.mark.parametrize(('shape', 'scale'), [((50, 100), 4.0), ((1000, 500), 0.4)])
def test_images_are_scaled_into_the_panel(shape, scale):
    scaled, factor = drawing.fit(np.zeros((*shape, 3), np.uint8), 400, 400)
    assert factor == scale
    assert scaled.shape[:2] == tuple(round(side * scale) for side in shape)


def test_a_mask_is_tinted_in_the_colour_of_its_instance_and_the_rest_is_untouched():
    image = np.full((80, 80, 3), 100, np.uint8)
    inside = np.zeros((2, 40, 40), dtype=bool)
    inside[0, 2:15, 2:15] = inside[1, 22:38, 22:38] = True
    drawn = drawing.draw_layers(image, Layers(masks=inside), scale=2.0, alpha=0.5, font_size=14)
    for index, (x, y) in enumerate([(16, 16), (60, 60)]):
        np.testing.assert_allclose(drawn[y, x], (np.array(instance_color(index)) + 100) / 2, atol=1)
    np.testing.assert_array_equal(drawn[60, 10], 100)
    assert (image == 100).all()


@pytest.mark.parametrize('side', [57, 90, 133])
def test_a_mask_in_the_middle_of_a_picture_stays_there_at_any_scale(side):
    inside = np.zeros((60, 60), dtype=bool)
    inside[20:40, 20:40] = True
    drawn = drawing._resize_mask(inside, np.zeros((side, side, 3), np.uint8))
    np.testing.assert_array_equal(drawn, drawn[::-1])
    np.testing.assert_array_equal(drawn, drawn[:, ::-1])


def test_a_box_stands_where_it_should_and_its_label_stays_inside_the_picture():
    image = np.full((80, 80, 3), 100, np.uint8)
    answer = Layers(boxes=np.array([[5.0, 0.0, 35.0, 30.0]]), scores=np.array([0.5]))
    drawn = drawing.draw_layers(image, answer, scale=2.0, alpha=0.5, font_size=14)
    assert drawn.shape == image.shape
    np.testing.assert_array_equal(drawn[60, 40], INSTANCES[0])  # the middle of the lower edge, y = 2 * 30
    np.testing.assert_array_equal(drawn[40, 40], 100)
    assert (drawn[1:10, 12:40] == INSTANCES[0]).all(-1).mean() > 0.3  # the label, inside: there is no room above


def test_pictures_are_put_together_on_white():
    black = [np.zeros((h, w, 3), np.uint8) for h, w in ((10, 20), (30, 5), (4, 4))]
    beside = drawing.beside(black, gap=2)
    assert beside.shape == (30, 20 + 2 + 5 + 2 + 4, 3)
    assert (beside == 0).all(-1).sum() == 10 * 20 + 30 * 5 + 4 * 4
    below = drawing.below(black)
    assert below.shape == (44, 20, 3)
    grid = drawing.grid(black, columns=2, gap=3)
    assert grid.shape == (3 + 33 + 7, 3 + 2 * 23, 3)
    assert (grid == 0).all(-1).sum() == 10 * 20 + 30 * 5 + 4 * 4
    assert [picture.shape[1] for picture in drawing.same_width(black, least=8)] == [20, 20, 20]
    assert [bar.shape[0] for bar in drawing.same_height(black)] == [30, 30, 30]


def test_the_palette_can_be_told_apart_without_red_or_without_green():
    """Simulated with the matrices of Vienot, Brettel and Mollon (1999); 20 of 255 is plainly visible."""
    to_lms = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
    protanopia = np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]])
    deuteranopia = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
    colors = np.array(INSTANCES, dtype=float)
    for blindness in (np.eye(3), protanopia, deuteranopia):
        seen = colors @ (np.linalg.inv(to_lms) @ blindness @ to_lms).T
        assert min(np.abs(a - b).max() for a, b in combinations(seen, 2)) > 20


def test_text_is_black_on_light_and_white_on_dark():
    assert readable_on(WHITE) == BLACK
    assert readable_on(BLACK) == WHITE


def test_the_jaws_of_a_grasp_are_thicker_than_its_opening():
    corners = np.array([[[10.0, 20.0], [10.0, 40.0], [50.0, 40.0], [50.0, 20.0]]])
    image = np.full((60, 60, 3), 100, np.uint8)
    drawn = drawing.draw_layers(image, Layers(grasps=corners, grasp_scores=np.ones(1)), 1.0, 0.5, 14)
    colored = (drawn == INSTANCES[0]).all(-1)
    assert colored[25, 8:13].sum() > colored[28:33, 30].sum() >= 1  # a jaw, the opening
    assert colored[20:41, 50].all()  # the other jaw
    assert not colored[36:, 20:40].any()


def test_attention_is_yellow_where_it_is_high_and_blue_where_it_is_low():
    attention = np.zeros((4, 4), np.float32)
    attention[:2, :2] = 1
    drawn = drawing.draw_attention(np.full((40, 40, 3), 128, np.uint8), attention).astype(int)
    high, low = drawn[5, 5], drawn[35, 35]
    assert high[0] > high[2] + 40
    assert low[2] > low[0] + 20


def test_grasp_maps_are_three_pictures_and_strokes_run_along_the_opening():
    image = np.full((64, 64, 3), 100, np.uint8)
    maps = np.zeros((4, 32, 32))
    maps[0, :, :16] = 0.8  # graspable on the left, by jaws that open upwards
    maps[1] = -1  # cos of a half turn
    maps[3] = 20
    (quality, title), (angle, _), (opening, widest) = drawing.draw_grasp_maps(image, maps)
    assert (title, widest) == ('quality, best 0.80', 'opening, widest 20')
    assert quality.shape == angle.shape == opening.shape == image.shape
    background = angle[60, 60]
    assert not (angle[:, 34:] != background).any()
    drawn = (angle[:, :32] != background).any(-1)
    assert drawn.any(0).sum() < drawn.any(1).sum()  # upright strokes cover more rows than columns
    assert (opening[:, :30] != opening[60, 60]).all(-1).all()


def test_maps_without_a_grasp_are_drawn_too():
    panels = drawing.draw_grasp_maps(np.full((64, 64, 3), 100, np.uint8), np.zeros((4, 32, 32)))
    assert [title for _, title in panels] == ['quality, best 0.00', 'opening axis', 'opening, widest 0']
