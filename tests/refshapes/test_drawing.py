import numpy as np
import pytest

from mmvg.refshapes import Scene, SceneObject, draw_scene
from mmvg.refshapes.attributes import COLOURS


def square(x, y, extent=40.0, colour='red', shape='square'):
    return SceneObject(shape, colour, 'large', 'plain', x, y, extent, 0.0)


def test_masks_have_the_area_of_the_outline():
    # a square of 0.85 * 40 = 34 pixels; a disc of the same width; the ring loses a disc of half its radius
    scene = Scene(160, 120, (square(30, 40), square(80, 40, shape='disc'), square(130, 40, shape='ring')), seed=1)
    areas = draw_scene(scene).masks.sum((1, 2))
    expected = [34**2, np.pi * 17**2, np.pi * (17**2 - 8.5**2)]
    np.testing.assert_allclose(areas, expected, rtol=0.06)  # borders are included


def test_a_later_object_covers_an_earlier_one():
    # both 34 wide, shifted by half of that to the right and not at all down: half of the first stays visible
    scene = Scene(160, 120, (square(60, 60), square(77, 60, colour='blue')), seed=1)
    drawing = draw_scene(scene)
    np.testing.assert_allclose(drawing.visible, [0.5, 1.0], atol=0.03)
    assert not (drawing.masks[0] & drawing.masks[1]).any()
    assert drawing.masks[0, 60, 50]
    assert drawing.masks[1, 60, 65]


@pytest.mark.parametrize('colour', COLOURS)
def test_the_inside_of_an_object_has_its_colour_in_bgr(colour):
    image = draw_scene(Scene(120, 120, (square(60, 60, colour=colour),), seed=2)).image
    inside = image[55:65, 55:65].reshape(-1, 3).mean(0)[::-1]
    np.testing.assert_allclose(inside, COLOURS[colour], atol=4)


def test_a_handle_is_part_of_the_visible_object_and_is_hidden_with_it():
    hammer = square(60, 60, extent=60.0, shape='hammer')
    free = draw_scene(Scene(160, 120, (hammer,), seed=1))
    assert 0 < free.handles[0].sum() < free.masks[0].sum()
    assert not (free.handles[0] & ~free.masks[0]).any()
    # the handle points right from the head, so this square hides its end
    covered = draw_scene(Scene(160, 120, (hammer, square(90, 60)), seed=1))
    assert covered.handles[0].sum() < 0.7 * free.handles[0].sum()
    assert not covered.handles[1].any()


def test_the_same_scene_gives_the_same_pixels_and_another_seed_another_background():
    scene = Scene(160, 120, (square(60, 60),), seed=5)
    np.testing.assert_array_equal(draw_scene(scene).image, draw_scene(scene).image)
    other = draw_scene(Scene(160, 120, (square(60, 60),), seed=6)).image
    assert (other != draw_scene(scene).image).mean() > 0.5


def test_the_background_is_textured_but_greyish():
    drawing = draw_scene(Scene(160, 120, (square(60, 60),), seed=5))
    pixels = drawing.image[~drawing.masks.any(0)].astype(float)
    assert pixels.std(0).min() > 4
    assert np.ptp(pixels, axis=1).mean() < 40
