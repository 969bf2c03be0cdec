import numpy as np
import pytest

from mmvg.simulation.kinds import HANDLED, KINDS
from mmvg.simulation.pieces import Piece, lathe_mesh


@pytest.mark.parametrize(
    ('piece', 'volume'),
    [
        (Piece('box', (1, 2, 3)), 48),
        (Piece('cylinder', (1, 2)), 4 * np.pi),
        (Piece('capsule', (1, 2)), 4 * np.pi + 4 / 3 * np.pi),
        (Piece('ellipsoid', (1, 2, 3)), 8 * np.pi),
    ],
)
def test_volumes_are_those_of_school(piece, volume):
    assert piece.volume == pytest.approx(volume)
    assert piece.scaled(2).volume == pytest.approx(8 * volume)


def test_points_lie_on_the_surface_where_the_piece_is_turned_to():
    points = Piece('cylinder', (1, 5), position=(10, 0, 0), turn=(0, np.pi / 2, 0)).points()
    assert points[:, 0].min() == pytest.approx(5)
    assert points[:, 0].max() == pytest.approx(15)
    assert abs(points[:, 1:]).max() == pytest.approx(1)


def test_a_lathe_is_closed_and_its_triangles_look_outwards():
    vertices, triangles = lathe_mesh(((0, 0), (1, 0), (1, 2), (0, 2)), segments=64)
    a, b, c = vertices[triangles].transpose(1, 0, 2)
    volume = np.einsum('fi,fi->f', a, np.cross(b, c)).sum() / 6  # by the theorem of Gauss
    assert volume == pytest.approx(2 * np.pi, rel=5e-3)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    assert {tuple(edge) for edge in edges} == {tuple(edge[::-1]) for edge in edges}


@pytest.mark.parametrize('name', KINDS)
def test_every_kind_has_a_part_to_grip_and_tools_have_a_handle(name):
    for seed in range(3):
        pieces = KINDS[name].build(np.random.default_rng(seed))
        assert any(piece.solid and piece.grip for piece in pieces)
        assert any(piece.part == 'handle' for piece in pieces) == (name in HANDLED)
        for size in ('small', 'large'):
            extent = np.concatenate([piece.scaled(KINDS[name].scales[size][1]).points() for piece in pieces])
            assert 0.015 < np.ptp(extent, axis=0).max() < 0.23
