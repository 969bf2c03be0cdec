import numpy as np
import pytest

from mmvg.refshapes.attributes import COLOURS, HELD_OUT
from mmvg.refshapes.drawing import fill
from mmvg.refshapes.shapes import COMPACT, SHAPES


@pytest.mark.parametrize('name', SHAPES)
def test_a_shape_is_centred_and_its_long_side_is_at_most_one_unit(name):
    points = np.concatenate(SHAPES[name].body + SHAPES[name].handle)
    low, high = points.min(0), points.max(0)
    np.testing.assert_allclose(low, -high, atol=1e-9)
    assert COMPACT - 1e-9 <= (high - low).max() <= 1 + 1e-9


def test_there_are_elongated_shapes_and_shapes_with_a_handle():
    sides = {name: np.ptp(np.concatenate(s.body + s.handle), axis=0) for name, s in SHAPES.items()}
    assert len(SHAPES) >= 10
    assert {name for name, side in sides.items() if side.min() < 0.6 * side.max()} >= {'bar', 'arrow', 'ellipse'}
    assert {name for name, shape in SHAPES.items() if shape.handle} == {'hammer', 'mug', 'pan', 'key'}


@pytest.mark.parametrize('name', [name for name, shape in SHAPES.items() if shape.handle])
def test_a_handle_touches_the_body_and_hardly_overlaps_it(name):
    body, handle = (
        fill([200 * (c + 0.6) for c in part], (240, 240)) for part in (SHAPES[name].body, SHAPES[name].handle)
    )
    assert (body & handle).sum() < 0.1 * handle.sum()  # fillPoly includes the border, where the two touch
    grown = np.zeros_like(body)
    for dy in range(-3, 4):
        for dx in range(-3, 4):
            grown |= np.roll(body, (dy, dx), (0, 1))
    assert (grown & handle).any()


def test_every_shape_has_one_colour_held_out_and_any_two_colours_are_far_apart():
    assert sorted(shape for _, shape in HELD_OUT) == sorted(SHAPES)
    assert {colour for colour, _ in HELD_OUT} == set(COLOURS)
    values = np.array(list(COLOURS.values()), dtype=float)
    distance = np.linalg.norm(values[:, None] - values[None], axis=-1) + 999 * np.eye(len(values))
    assert distance.min() > 120
