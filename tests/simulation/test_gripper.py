from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('mujoco', reason="needs pip install 'mmvg[sim]'")

from mmvg.simulation import draw_table
from mmvg.simulation.grasps import tried_grasps
from mmvg.simulation.gripper import PAD_WIDTH, STROKE, LiftTrials, finger_pose
from mmvg.structures import fold_angle

ROUND = {'ball', 'fruit', 'cup', 'mug', 'bowl', 'can', 'bottle'}


@pytest.fixture(scope='module')
def grasped(renderer):
    """Tables with their grasps."""
    tables = [
        draw_table(seed, layout) for seed, layout in enumerate(('isolated', 'scattered', 'scattered', 'cluttered'))
    ]
    return [(table, tried_grasps(table.objects, table.camera, table.view, table.rng(3))) for table in tables]


def lifted(grasped, change, long_only=False):
    """Share of the kept grasps that lift after ``change``, and their number."""
    results = []
    for table, grasps in grasped:
        for index, own in enumerate(grasps):
            if long_only and table.objects[index].kind in ROUND:
                continue
            trials = LiftTrials(table.objects, index)
            for grasp, _ in own:
                pose = finger_pose(change(grasp.copy()), table.view.depth, table.camera, table.view.mask(index))
                results.append(pose is not None and trials.try_pose(pose).lifted)
    return np.mean(results), len(results)


def test_kept_grasps_lift_again_and_most_objects_have_some(grasped):
    share, number = lifted(grasped, lambda grasp: grasp)
    assert share == 1
    assert number > 30
    assert np.mean([bool(own) for _, grasps in grasped for own in grasps]) > 0.7


def test_half_the_opening_lifts_next_to_nothing(grasped):
    def halved(grasp):
        grasp[2] /= 2
        return grasp

    assert lifted(grasped, halved)[0] < 0.2


def test_a_reversed_angle_lifts_far_less_of_what_is_long(grasped):
    def reversed_(grasp):
        grasp[4] = fold_angle(np.float64(-grasp[4]))
        return grasp

    share, number = lifted(grasped, reversed_, long_only=True)
    assert number > 15
    assert share < 0.6


def test_a_grasp_beside_the_object_lifts_nothing(grasped):
    def aside(grasp):
        grasp[0] += 1.5 * grasp[2]
        return grasp

    assert lifted(grasped, aside)[0] < 0.1


def test_jaws_and_openings_are_those_of_the_gripper_through_the_camera(grasped):
    parts = set()
    for table, grasps in grasped:
        for index, own in enumerate(grasps):
            for grasp, part in own:
                pose = finger_pose(grasp, table.view.depth, table.camera, table.view.mask(index))
                assert pose.jaw == pytest.approx(PAD_WIDTH, rel=0.08)
                assert 0.005 < pose.opening < 1.02 * STROKE
                x, y = grasp[:2].round().astype(int)
                near = table.view.mask(index)[max(y - 4, 0) : y + 5, max(x - 4, 0) : x + 5]
                assert near.any()
                parts.add(part)
                if part == 'handle':
                    assert table.view.mask(index, 'handle')[max(y - 4, 0) : y + 5, max(x - 4, 0) : x + 5].any()
    assert parts == {'body', 'handle'}


def test_fingers_stay_above_the_table_and_need_depth(grasped):
    table, grasps = grasped[1]
    index, grasp = next((i, own[0].grasp) for i, own in enumerate(grasps) if own)
    pose = finger_pose(grasp, table.view.depth, table.camera, table.view.mask(index))
    assert 0 < pose.position[2] < 0.2
    assert finger_pose(grasp, np.zeros_like(table.view.depth), table.camera) is None
    flat = np.where(table.view.instances > 0, table.view.depth[0, 0], table.view.depth)
    assert finger_pose(grasp, np.full_like(flat, 0.6), table.camera) is None  # there is nothing to reach around


def test_a_trial_says_why_it_failed(grasped):
    table, grasps = grasped[1]
    index, grasp = next((i, own[0].grasp) for i, own in enumerate(grasps) if own)
    pose = finger_pose(grasp, table.view.depth, table.camera, table.view.mask(index))
    trials = LiftTrials(table.objects, index)
    assert trials.try_pose(pose) == (True, 'lifted')
    assert trials.try_pose(replace(pose, opening=0.004)).cause == 'collision'
    assert trials.try_pose(replace(pose, position=pose.position + (0, 0, 0.3))).cause == 'missed'
    assert trials.try_pose(pose) == (True, 'lifted')  # trials leave nothing behind
