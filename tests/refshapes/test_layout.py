import numpy as np
import pytest

from mmvg.refshapes import SIZES, SceneSettings, draw_scene, sample_scene
from mmvg.refshapes.attributes import EXTENTS, HELD_OUT
from mmvg.refshapes.layout import choose


def scenes(number, **kwargs):
    return [sample_scene(np.random.default_rng([3, i]), **kwargs) for i in range(number)]


def test_scenes_have_3_to_10_objects_inside_the_canvas():
    counts = set()
    for scene in scenes(150):
        counts.add(len(scene.objects))
        for thing in scene.objects:
            points = np.concatenate(thing.body() + thing.handle())
            assert points.min() >= 0
            assert (points <= (scene.width, scene.height)).all()
            low, high = EXTENTS[thing.size]
            assert low <= thing.extent / scene.short_side <= high
    assert min(counts) == 3
    assert max(counts) >= 8
    assert max(counts) <= 10


def test_some_objects_are_covered_but_none_by_more_than_the_settings_allow():
    shares = np.concatenate([draw_scene(scene).visible for scene in scenes(60)])
    # decided on whole pixels, drawn on a finer canvas: a few percent of difference are left for thin shapes
    assert shares.min() > SceneSettings().min_visible - 0.06
    assert 0.05 < (shares < 0.97).mean() < 0.5


@pytest.mark.parametrize('held_out', [False, True])
def test_settings_decide_on_shapes_sizes_and_patterns(held_out):
    settings = SceneSettings(
        shapes=('disc', 'bar', 'mug'),
        extents={'small': (0.2, 0.21), 'large': (0.3, 0.31)},
        patterns={'plain': 1.0, 'striped': 1.0},
    )
    things = [thing for scene in scenes(40, settings=settings, held_out=held_out) for thing in scene.objects]
    assert {thing.shape for thing in things} == {'disc', 'bar', 'mug'}
    assert {thing.pattern for thing in things} == {'plain', 'striped'}
    for scene in scenes(10, settings=settings, held_out=held_out):
        for thing in scene.objects:
            low, high = settings.extents[thing.size]
            assert low <= thing.extent / scene.short_side <= high


def test_the_small_size_shows_ten_shapes_and_stays_within_3_to_10_objects():
    drawn = scenes(120, settings=SIZES['small'].scene)
    assert len({thing.shape for scene in drawn for thing in scene.objects}) == 10
    assert {len(scene.objects) for scene in drawn} <= set(range(3, 11))


@pytest.mark.parametrize('held_out', [False, True])
def test_held_out_combinations_appear_in_testb_scenes_only(held_out):
    for scene in scenes(80, held_out=held_out):
        rare = sum((thing.colour, thing.shape) in HELD_OUT for thing in scene.objects)
        assert rare >= 2 if held_out else rare == 0


def test_choose_follows_the_weights():
    rng = np.random.default_rng(0)
    drawn = [choose(rng, {'a': 1, 'b': 3, 'c': 0}) for _ in range(4000)]
    assert set(drawn) == {'a', 'b'}
    assert abs(drawn.count('b') / 4000 - 0.75) < 0.03


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(object_counts={2: 1.0}), 'object_counts: a scene has 3 objects or more'),
        (dict(object_counts={}), 'object_counts'),
        (dict(shapes=('disc',)), 'shapes: a scene needs two or more'),
        (dict(shapes=('disc', 'rings')), "did you mean 'ring'"),
        (dict(extents={'small': (0.2, 0.3)}), 'extents: small and large need'),
        (dict(extents={'small': (0.2, 0.3), 'large': (0.4, 1.5)}), 'extents'),
        (dict(min_visible=1.1), 'min_visible must be a share from 0 to 1'),
    ],
)
def test_settings_that_no_scene_can_meet_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        SceneSettings(**wrong)
