from dataclasses import replace

import numpy as np
import pytest

from mmvg.simulation.robot import Outcome, PickAnswer, make_answerer, try_sentence

pytestmark = pytest.mark.usefixtures('arm', 'renderer')


@pytest.mark.parametrize('robot', ['iiwa', 'floating'])
def test_the_true_mask_leads_to_an_object_in_the_bin(blocks, robot):
    scene, sentence = blocks
    seen = []
    trial = try_sentence(scene, sentence, make_answerer('mask'), robot, watch=lambda cell: seen.append(cell.data.time))
    assert trial.attempt.outcome is Outcome.PLACED, trial.attempt
    assert trial.attempt.taken == sentence.targets[0]
    if robot == 'iiwa':
        assert trial.cell.in_bin(sentence.targets[0])
        assert seen == sorted(seen)
        assert seen[-1] > 2


def test_the_wrist_sees_what_the_camera_of_the_scene_sees(blocks):
    from mmvg.simulation.robot.attempt import look
    from mmvg.simulation.robot.cell import RobotCell

    scene, _ = blocks
    cell = RobotCell(scene)
    view = look(cell)
    assert (view.instances != scene.view.instances).mean() < 0.002
    on_objects = (view.instances > 0) & (view.instances == scene.view.instances)
    assert np.median(np.abs(view.depth - scene.view.depth)[on_objects]) < 5e-4
    assert cell.base_to_table @ cell.camera_to_base(cell.joints) == pytest.approx(cell.simulated_camera(), abs=1e-6)
    assert cell.simulated_camera() == pytest.approx(scene.camera.camera_to_table, abs=2e-3)


def test_tried_grasps_lie_on_their_object_where_the_camera_came_nearer():
    from mmvg.simulation import draw_table
    from mmvg.simulation.grasps import seen_from
    from mmvg.simulation.gripper import PAD_WIDTH
    from mmvg.simulation.objects import SceneCamera
    from mmvg.simulation.robot.attempt import aimed_at, look
    from mmvg.simulation.robot.benchmark import lifting_grasps
    from mmvg.simulation.robot.cell import RobotCell
    from mmvg.simulation.robot.questions import sentence_about

    scene = draw_table([77, 186], 'scattered')
    cell = RobotCell(scene)
    view = look(cell)
    wrist = SceneCamera(scene.camera.intrinsics, cell.simulated_camera())
    away = np.linalg.norm(wrist.camera_to_table[:3, 3] - scene.camera.camera_to_table[:3, 3])
    assert away > 0.08
    asked = None
    for index in range(len(scene.objects)):
        tried = lifting_grasps(scene, index, None)
        assert {aimed_at(grasp, view.instances) for grasp in seen_from(tried, scene.camera, wrist)} <= {index}
        for grasp, moved in zip(tried, seen_from(tried, scene.camera, wrist), strict=True):
            k = scene.camera.intrinsics  # its h is that of the pads at its distance
            distances = [PAD_WIDTH * (k.fx + k.fy) / 2 / one[3] for one in (grasp, moved)]
            assert abs(abs(distances[0] - distances[1]) - away) < 0.005
            assert moved[2] / grasp[2] == pytest.approx(moved[3] / grasp[3])
        if asked is None and len(tried):
            sentence = sentence_about(scene, index, np.random.default_rng(0))
            asked = sentence and (sentence, lifting_grasps(scene, index, sentence.part))
    sentence, tried = asked
    trial = try_sentence(scene, sentence, make_answerer('grasp'), tried=tried)
    assert trial.question.tried == pytest.approx(seen_from(tried, scene.camera, wrist), abs=0.1)


@pytest.mark.parametrize(('spoil', 'kind'), [('reversed', 'screwdriver'), ('half', 'block')])
def test_a_grasp_that_is_made_wrong_fails(spoil, kind):
    scene, sentence = slanted(kind)
    assert try_sentence(scene, sentence, make_answerer('mask')).attempt.success
    trial = try_sentence(scene, sentence, make_answerer('mask', spoil=spoil))
    assert trial.attempt.outcome in (Outcome.COLLISION, Outcome.SLIPPED)


def slanted(kind):
    """A table with an object that is best taken along neither side of the picture, and a sentence that means it."""
    from mmvg.simulation import TableSentence, draw_table
    from mmvg.simulation.robot.answers import from_mask

    for seed in range(20):
        scene = draw_table(seed, 'isolated', kinds=(kind,))
        index = [thing.kind for thing in scene.objects].index(kind)
        turn = from_mask(scene.view.mask(index)).grasps[0, 4]
        if abs(np.sin(2 * turn)) > 0.8:
            return scene, TableSentence(f'the {kind}', 'attribute', (index,), None)
    raise AssertionError('no table has one')


def test_silence_and_speech_are_judged_by_what_is_there(blocks):
    scene, sentence = blocks
    absent = replace_targets(sentence, ())
    silent = lambda question: PickAnswer(nothing=True)  # noqa: E731
    assert try_sentence(scene, absent, silent).attempt.outcome is Outcome.REFUSED
    assert try_sentence(scene, absent, silent).attempt.success
    assert try_sentence(scene, sentence, silent).attempt.outcome is Outcome.NO_ANSWER
    truth = make_answerer('mask')
    loud = lambda question: truth(replace(question, sentence=sentence))  # noqa: E731
    assert try_sentence(scene, absent, loud).attempt.outcome is Outcome.WRONG_OBJECT


def replace_targets(sentence, targets):
    return sentence._replace(targets=targets)


def test_another_object_in_the_bin_is_a_wrong_object(arm, renderer):
    from mmvg.simulation import TableSentence, draw_table

    scene = draw_table(5, 'scattered', kinds=('can', 'ball'))
    can, ball = ([thing.kind for thing in scene.objects].index(kind) for kind in ('can', 'ball'))
    truth = make_answerer('mask')
    taken = TableSentence('the ball', 'attribute', (ball,), None)
    meant = TableSentence('the can', 'attribute', (can,), None)
    trial = try_sentence(scene, meant, lambda question: truth(replace(question, sentence=taken)))
    assert trial.attempt.outcome is Outcome.WRONG_OBJECT
    assert 'ball' in trial.attempt.detail


def test_depth_without_a_measurement_gives_no_pose_and_says_so(blocks):
    scene, sentence = blocks
    from mmvg.simulation.robot.answers import Question
    from mmvg.simulation.robot.attempt import look, pick
    from mmvg.simulation.robot.cell import RobotCell

    cell = RobotCell(scene)
    view = look(cell)
    blind = Question(replace(view, depth=np.zeros_like(view.depth)), sentence)
    attempt, _ = pick(scene, cell, blind, make_answerer('mask')(blind))
    assert attempt.outcome is Outcome.NO_POSE
    assert 'depth' in attempt.detail


def test_an_answer_without_a_grasp_or_with_one_too_wide_has_no_pose(blocks):
    scene, sentence = blocks
    wide = np.array([[160.0, 120, 300, 14, 0]])
    for grasps, word in ((np.zeros((0, 5)), 'no grasp'), (wide, '85 mm')):
        trial = try_sentence(scene, sentence, lambda question, g=grasps: PickAnswer(g, np.ones(len(g))))
        assert trial.attempt.outcome is Outcome.NO_POSE
        assert word in trial.attempt.detail


def test_an_object_that_is_out_of_reach_is_unreachable(blocks):
    from mmvg.simulation.robot.answers import Question
    from mmvg.simulation.robot.attempt import look, pick
    from mmvg.simulation.robot.cell import RobotCell

    scene, sentence = blocks
    cell = RobotCell(scene)
    question = Question(look(cell), sentence)
    shift = np.eye(4)
    shift[0, 3] = 0.6  # as if the hand-eye matrix were wrong by so much
    right = cell.camera_to_base
    cell.camera_to_base = lambda joints: shift @ right(joints)
    attempt, _ = pick(scene, cell, question, make_answerer('mask')(question))
    assert attempt.outcome is Outcome.UNREACHABLE
    assert 'reach' in attempt.detail


def test_an_empty_table_has_nothing_to_pick(blocks):
    scene, sentence = blocks
    empty = replace(scene, objects=(), _made={})
    trial = try_sentence(empty, replace_targets(sentence, ()), make_answerer('mask'))
    assert trial.attempt.outcome is Outcome.REFUSED
    trial = try_sentence(empty, sentence, lambda question: PickAnswer(np.array([[160.0, 120, 40, 14, 0]]), np.ones(1)))
    assert trial.attempt.outcome is Outcome.NO_POSE
    assert 'nothing stands on the table' in trial.attempt.detail
