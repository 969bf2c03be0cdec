import math

import numpy as np
import pytest

from mmvg.refshapes.drawing import fill
from mmvg.refshapes.grasps import FRICTION_CONE
from mmvg.refshapes.scene import SceneObject
from mmvg.refshapes.shapes import SHAPES


def thing(shape, angle=0.0, x=100.0, y=100.0):
    return SceneObject(shape, 'red', 'large', 'plain', x, y, 120.0, angle)


def axis_of(grasp):
    return np.array([math.cos(grasp[4]), -math.sin(grasp[4])])  # y points down


def inside(mask, points):
    index = np.floor(points).astype(int)
    return mask[index[:, 1], index[:, 0]]


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('angle', [0.0, 0.7, -2.1])
def test_jaws_are_free_and_close_on_the_object(shape, angle):
    item = thing(shape, angle)
    mask = fill(item.body() + item.handle(), (200, 200))
    grasps = item.grasps()
    assert len(grasps) >= 1
    assert ((grasps[:, 4] > -math.pi / 2) & (grasps[:, 4] <= math.pi / 2)).all()
    for grasp in grasps:
        ends = grasp[:2] + np.outer([-0.5, 0.5], axis_of(grasp)) * grasp[2]
        assert not inside(mask, ends).any()
        assert inside(mask, grasp[None, :2]).all()


@pytest.mark.parametrize('shape', SHAPES)
def test_contacts_lie_in_the_friction_cone_of_the_true_outline(shape):
    contours = [np.array(c) for c in thing(shape).body() + thing(shape).handle()]
    for grasp in thing(shape).grasps():
        angles = []
        for contour in contours:
            start, edge = contour, np.roll(contour, -1, axis=0) - contour
            normal = np.stack([edge[:, 1], -edge[:, 0]], 1) / np.linalg.norm(edge, axis=1, keepdims=True)
            # where the line through the grasp meets each edge: centre + t * axis = start + s * edge
            axis = axis_of(grasp)
            cross = axis[0] * edge[:, 1] - axis[1] * edge[:, 0]
            away = start - grasp[:2]
            with np.errstate(divide='ignore', invalid='ignore'):
                t = (away[:, 0] * edge[:, 1] - away[:, 1] * edge[:, 0]) / cross
                s = (away[:, 0] * axis[1] - away[:, 1] * axis[0]) / cross
            hit = (s >= 0) & (s < 1) & (np.abs(t) < 0.5 * grasp[2])
            angles += np.arccos(np.clip(np.abs(normal[hit] @ axis), 0, 1)).tolist()
        # the search smooths the outline over 16 of 400 pixels, hence some slack; seams between parts may be crossed
        assert len(angles) >= 2
        assert sorted(angles)[1] < FRICTION_CONE + 0.2


@pytest.mark.parametrize('shape', ['hammer', 'mug', 'pan', 'key'])
def test_handle_grasps_are_centred_on_the_handle(shape):
    item = thing(shape, 0.3)
    grasps = item.grasps(on_handle=True)
    assert len(grasps) >= 1
    assert inside(fill(item.handle(), (200, 200)), grasps[:, :2]).all()


def test_a_shape_without_handle_has_no_handle_grasps():
    assert thing('star').grasps(on_handle=True).shape == (0, 5)


def test_a_bar_is_grasped_across_its_narrow_side():
    grasps = thing('bar').grasps()
    # 1 x 0.27 units of 120 pixels, so the contacts are 32.4 apart, 12 are clearance, and the opening axis is vertical
    np.testing.assert_allclose(np.abs(np.sin(grasps[:, 4])), 1, atol=0.05)
    np.testing.assert_allclose(grasps[:, 2], 32.4 + 12, atol=1.5)


def test_turning_an_object_counter_clockwise_turns_its_grasps_the_same_way():
    flat, turned = thing('bar').grasps(), thing('bar', math.radians(30)).grasps()
    np.testing.assert_allclose(np.mod(turned[:, 4] - flat[:, 4], math.pi), math.radians(30), atol=1e-9)
    # the point one unit to the right goes up on screen
    tip = thing('bar', math.radians(30)).to_pixels(np.array([[0.5, 0.0]]))[0]
    np.testing.assert_allclose(tip, [100 + 60 * math.cos(math.radians(30)), 100 - 30], atol=1e-9)
