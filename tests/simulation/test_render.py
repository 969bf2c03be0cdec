import numpy as np
import pytest

from mmvg.simulation import draw_table, render_table
from mmvg.simulation.sensor import add_sensor_noise


def test_depth_lands_on_the_table_and_masks_on_their_objects(tables):
    for scene in tables:
        view = scene.view
        y, x = np.mgrid[: view.depth.shape[0], : view.depth.shape[1]]
        k = scene.camera.intrinsics
        z = view.depth.astype(np.float64)
        seen = np.stack([(x - k.cx) / k.fx * z, (y - k.cy) / k.fy * z, z], -1)
        points = seen @ scene.camera.camera_to_table[:3, :3].T + scene.camera.camera_to_table[:3, 3]
        assert np.abs(points[view.instances == 0][:, 2]).max() < 2e-5  # metres
        for index, thing in enumerate(scene.objects):
            own = points[view.mask(index)]
            cloud = thing.points()
            assert len(own) > 30
            assert (own > cloud.min(0) - 0.006).all()
            assert (own < cloud.max(0) + 0.016).all()


def test_parts_divide_the_objects(tables):
    for scene in tables:
        for index, thing in enumerate(scene.objects):
            body, handle = scene.view.mask(index, 'body'), scene.view.mask(index, 'handle')
            assert not (body & handle).any()
            assert ((body | handle) == scene.view.mask(index)).all()
            assert handle.any() <= ('handle' in thing.parts)


def test_the_same_table_gives_the_same_pixels(tables):
    again = render_table(tables[0])
    for name in ('image', 'depth', 'instances', 'parts'):
        assert (getattr(again, name) == getattr(tables[0].view, name)).all(), name


def test_a_larger_picture_shows_the_same(renderer):
    small, large = (render_table(draw_table(5, 'scattered', size=size)) for size in ((320, 240), (640, 480)))
    same = large.instances[::2, ::2] == small.instances
    assert large.image.shape == (480, 640, 3)
    assert same.mean() > 0.98


def test_colours_are_those_that_sentences_name(tables):
    for scene in tables:
        for index, thing in enumerate(scene.objects):
            if thing.pattern == 'plain' and thing.colour in ('red', 'blue', 'green') and thing.kind != 'hammer':
                blue, green, red = np.median(scene.view.image[scene.view.mask(index)], axis=0)
                strongest = dict(red=red, green=green, blue=blue)
                assert max(strongest, key=strongest.get) == thing.colour


def test_noise_has_holes_at_edges_and_grows_with_the_distance(tables):
    view = tables[1].view
    noisy = add_sensor_noise(view.depth, view.instances, np.random.default_rng(0))
    holes = noisy == 0
    assert 0 < holes.mean() < 0.1
    assert np.abs(noisy - view.depth)[~holes].max() < 0.006
    spread = [
        np.std(add_sensor_noise(np.full((200, 200), z, np.float32), np.zeros((200, 200)), np.random.default_rng(0)) - z)
        for z in (0.5, 2.0)
    ]
    assert spread[1] > 5 * spread[0]
    assert (render_table(tables[1], noise=np.random.default_rng(0)).depth == noisy).all()


def test_an_unknown_part_is_refused(tables):
    with pytest.raises(ValueError, match='lid'):
        tables[0].view.mask(0, 'lid')
