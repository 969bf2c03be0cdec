import numpy as np
import pytest

pytest.importorskip('mujoco', reason="needs pip install 'mmvg[sim]'")

from mmvg.simulation import LAYOUTS, draw_table
from mmvg.simulation.generate import generate_tables
from mmvg.simulation.layout import COUNTS, MIN_VISIBLE, draw_camera
from mmvg.simulation.settling import settle, visible_shares


@pytest.mark.parametrize('layout', LAYOUTS)
def test_a_seed_gives_the_same_table_and_another_seed_another(layout):
    first, again, other = draw_table(3, layout), draw_table(3, layout), draw_table(4, layout)
    assert [thing.kind for thing in first.objects] == [thing.kind for thing in again.objects]
    assert all((a.pose == b.pose).all() for a, b in zip(first.objects, again.objects, strict=True))
    assert first.look == again.look != other.look


@pytest.mark.parametrize('layout', LAYOUTS)
def test_objects_are_at_rest_in_the_picture_and_can_be_seen(layout):
    for seed in range(4):
        scene = draw_table(seed, layout)
        assert min(COUNTS[layout]) <= len(scene.objects) <= max(COUNTS[layout])
        assert visible_shares(scene.objects, scene.camera).min() >= MIN_VISIBLE
        later = settle(scene.objects)
        moved = [np.abs(a.points() - b.points()).max() for a, b in zip(scene.objects, later, strict=True)]
        assert max(moved) < 0.005
        for thing in scene.objects:
            pixels = scene.camera.project(thing.points())
            assert (pixels > 0).all()
            assert (pixels < (320, 240)).all()
            assert 0.02 <= thing.mass <= 0.3


def test_asked_kinds_are_there_and_too_many_are_refused():
    kinds = ['mug', 'hammer', 'mug']
    names = [thing.kind for thing in draw_table(0, 'scattered', kinds=kinds).objects]
    assert names[:3] == kinds
    with pytest.raises(ValueError, match='spatula'):
        draw_table(0, kinds=['spatula'])
    with pytest.raises(ValueError, match='layout'):
        draw_table(0, layout='tidy')
    with pytest.raises(ValueError, match='4 kinds are too many: isolated table has 2 objects at most'):
        draw_table(0, 'isolated', kinds=4 * ['ball'])
    with pytest.raises(ValueError, match='13 kinds are too many: a table has 12'):
        draw_table(0, kinds=13 * ['ball'])
    assert {draw_table(seed, kinds=3 * ['ball']).layout for seed in (1, 5, 8)} <= {'scattered', 'cluttered'}


@pytest.mark.parametrize('size', [(640, 240), (1, 1), (0, 0), (20000, 15000), (80, 60), (-320, -240)])
def test_sizes_of_another_shape_or_beyond_what_can_be_drawn_are_refused(size, tmp_path):
    with pytest.raises(ValueError, match='as 4 to 3'):
        draw_table(0, size=size)
    with pytest.raises(ValueError, match='as 4 to 3'):
        generate_tables(tmp_path / 'out', 3, size=size)
    assert not (tmp_path / 'out').exists()


def test_scattered_objects_stand_apart_and_cluttered_ones_touch():
    def nearest(layout):
        gaps = []
        for seed in range(4):
            clouds = [thing.points()[:, :2] for thing in draw_table(seed, layout).objects]
            for i, cloud in enumerate(clouds):
                others = np.concatenate([other for j, other in enumerate(clouds) if j != i])
                gaps.append(np.linalg.norm(cloud[:, None] - others[None], axis=-1).min())
        return np.median(gaps)

    assert nearest('scattered') > 0.03 > 0.02 > nearest('cluttered')


def test_cameras_stay_within_what_is_promised():
    for seed in range(50):
        pose = draw_camera(np.random.default_rng(seed)).camera_to_table
        np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-12)
        assert np.linalg.det(pose[:3, :3]) > 0
        assert 0.45 <= pose[2, 3] <= 0.75
        assert -pose[2, 2] >= np.cos(np.deg2rad(15.001))  # the optical axis points down
        assert pose[0, 0] > 0.9
        assert pose[1, 1] < -0.9
