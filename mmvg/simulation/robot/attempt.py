"""One attempt: look, answer, pose, plan, pick; the way from a sentence to an outcome."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mmvg.apis.grasp import GraspPose, PinholeCamera, grasp_poses
from mmvg.checks import check_choice

from ..grasps import seen_from
from ..gripper import LiftTrials
from ..objects import SceneCamera
from ..render import paint, view_of
from ..scene import render_table
from ..sensor import add_sensor_noise
from .answers import Answerer, PickAnswer, Question
from .cell import WRIST, RobotCell
from .execute import Watch, execute
from .model import PAD_LENGTH, PAD_WIDTH, ROBOTS, STROKE
from .outcome import Attempt, Outcome
from .plan import Cloud, PlanError, first_plan, plan_motions

if TYPE_CHECKING:
    from mmvg.simulation import TableScene, TableSentence, TableView

#: Grasps that open wider than the gripper are tried with all that it has: their opening is measured where the surface
#: is seen, or guessed by a model, and whether the fingers pass is seen in the depth.
_WIDEST = 1.5 * STROKE


@dataclass(frozen=True)
class Trial:
    """An attempt with what led to it.

    Args:
        attempt: How it ended.
        question: What was seen and asked.
        cell: As the attempt left it; None for a floating gripper.
        answer: What was answered; None if the arm did not get to look.
        grasp: (5,) in pixels, the one that was carried out, or the best one; None without an answer.
    """

    attempt: Attempt
    question: Question
    cell: RobotCell | None
    answer: PickAnswer | None = None
    grasp: np.ndarray | None = None


def look(cell: RobotCell, noise: np.random.Generator | None = None) -> 'TableView | None':
    """Bring the wrist camera to the camera of the scene and take a picture; None if the arm does not reach that.

    Args:
        cell: The arm is put there at once: nothing happens on the way.
        noise: Source of the noise and holes of a real depth camera.
    """
    joints = cell.looking_joints()
    if joints is None:
        return None
    cell.place_arm(joints)
    k = cell.scene.camera.intrinsics
    view = view_of(paint(cell.model, cell.data, WRIST, k.width, k.height), cell.model, cell.scene.objects)
    if noise is None:
        return view
    return type(view)(view.image, add_sensor_noise(view.depth, view.instances, noise), view.instances, view.parts)


def try_sentence(
    scene: 'TableScene',
    sentence: 'TableSentence',
    answerer: Answerer,
    robot: str = 'iiwa',
    noise: np.random.Generator | None = None,
    tried: np.ndarray | None = None,
    watch: Watch | None = None,
) -> Trial:
    """Let a robot do what a sentence says.

    Args:
        scene: The table.
        sentence: With its targets, by which the outcome is judged.
        answerer: Who says what is meant and how to take it.
        robot: One of ``ROBOTS``; ``'floating'`` is a gripper without an arm, which the camera of the scene sees for:
            what it lifts counts as placed.
        noise: Source of the noise of the depth camera.
        tried: Grasps (N, 5) of :func:`mmvg.simulation.tried_grasps` that lifted the target, for the oracle of that
            name; it gets them as the camera sees them that takes the picture.
        watch: Sees the arm at work, see :func:`execute`.

    Raises:
        NoRendererError: If MuJoCo finds no renderer here.
    """
    check_choice('robot', robot, ROBOTS)
    cell = None if robot == 'floating' else RobotCell(scene, robot)
    view = render_table(scene, noise) if cell is None else look(cell, noise)
    if cell is not None and view is not None and tried is not None:
        wrist = SceneCamera(scene.camera.intrinsics, cell.base_to_table @ cell.camera_to_base(cell.joints))
        tried = seen_from(tried, scene.camera, wrist)
    question = Question(view or scene.view, sentence, *(() if tried is None else (tried,)))
    if view is None:
        return Trial(Attempt(Outcome.UNREACHABLE, 'the arm cannot look from where the camera is to be'), question, cell)
    answer = answerer(question)
    if answer.nothing or not sentence.targets:
        return Trial(_without_a_pick(question, answer), question, cell, answer)
    attempt, grasp = pick(scene, cell, question, answer, watch)
    return Trial(attempt, question, cell, answer, grasp)


def _without_a_pick(question: Question, answer: PickAnswer) -> Attempt:
    if not answer.nothing:
        return Attempt(Outcome.WRONG_OBJECT, 'the sentence means nothing on the table, and something was answered')
    if question.sentence.targets:
        return Attempt(Outcome.NO_ANSWER, 'the answer is that the sentence means nothing on the table')
    return Attempt(Outcome.REFUSED)


def pick(
    scene: 'TableScene', cell: RobotCell | None, question: Question, answer: PickAnswer, watch: Watch | None = None
) -> tuple[Attempt, np.ndarray | None]:
    """Carry out an answer.

    Args:
        scene: The table.
        cell: With the arm where it looked from; None for a floating gripper.
        question: What was seen and asked, with targets.
        answer: What is to be picked.
        watch: See :func:`execute`.

    Returns:
        How it ended, and the grasp (5,) that was carried out, or else the best one.
    """
    targets = set(question.sentence.targets)
    depth, camera = question.view.depth, scene.camera.intrinsics
    if cell is None:
        camera_to_base, table = scene.camera.camera_to_table, 0.0
    else:
        camera_to_base, table = cell.camera_to_base(cell.joints), -cell.base_to_table[2, 3]
    best = answer.grasps[0] if len(answer.grasps) else None
    try:
        poses, grasps = poses_in_base(answer, depth, camera, camera_to_base)
        cloud = Cloud.from_depth(depth, camera, camera_to_base, table, answer.mask)
        if not len(cloud.points):
            raise PlanError(Outcome.NO_POSE, 'nothing stands on the table')
        planner = partial(plan_motions, cell) if cell is not None else lambda target, opening: (target, opening)
        pose, plan = first_plan(poses, cloud, planner)
        best = grasps[[other is pose for other in poses].index(True)]
        if cell is not None:
            attempt = execute(cell, plan, targets, watch)
        else:
            attempt = lift(scene, aimed_at(best, question.view.instances), *plan)
    except PlanError as error:
        attempt = Attempt(error.cause, str(error))
    aimed = None if best is None else aimed_at(best, question.view.instances)
    if aimed is not None and aimed not in targets and (cell is None or not attempt.success):
        detail = f'the grasp is on a {scene.objects[aimed].kind} that was not meant'
        attempt = Attempt(Outcome.WRONG_OBJECT, detail, attempt.taken)
    return attempt, best


def lift(scene: 'TableScene', index: int | None, target: np.ndarray, opening: float) -> Attempt:
    """Let a gripper without an arm close at a pose (4, 4) of the middle of its pads, and lift object ``index``."""
    if index is None:
        return Attempt(Outcome.SLIPPED, 'the fingers closed on nothing')
    tips = target[:3, 3] + PAD_LENGTH / 2 * target[:3, 2]
    pose = GraspPose(tips, target[:3, :3], opening, PAD_WIDTH, 1.0, 'table')
    trial = LiftTrials(scene.objects, index).try_pose(pose)
    if trial.lifted:
        return Attempt(Outcome.PLACED, taken=index)
    if trial.cause == 'collision':
        return Attempt(Outcome.COLLISION, 'the open fingers do not fit')
    return Attempt(Outcome.SLIPPED, 'the fingers closed, and nothing was lifted')


def poses_in_base(
    answer: PickAnswer, depth: np.ndarray, camera: PinholeCamera, camera_to_base: np.ndarray
) -> tuple[list[GraspPose], list[np.ndarray]]:
    """Poses for the grasps of an answer, by :func:`mmvg.apis.grasp_poses`, and the grasps (5,) they come from.

    Raises:
        PlanError: If there is none, with the reason.
    """
    if not np.any(depth > 0):
        raise PlanError(Outcome.NO_POSE, 'no depth was measured: all of the depth image is 0')
    if not len(answer.grasps):
        raise PlanError(Outcome.NO_POSE, 'the answer has no grasp')
    grasps = answer.grasps[np.argsort(-answer.scores, kind='stable')]
    ranks = 1 - np.arange(len(grasps)) / len(grasps)  # in the place of scores, to know which pose is whose
    for mask in (answer.mask, None) if answer.mask is not None else (None,):
        poses = grasp_poses(
            grasps,
            ranks,
            depth,
            camera,
            mask=mask,
            max_opening=_WIDEST,
            camera_to_base=camera_to_base,
            approach='vertical',
        )
        if poses:
            return poses, [grasps[round((1 - pose.score) * len(grasps))] for pose in poses]
    raise PlanError(
        Outcome.NO_POSE,
        f'none of {len(grasps)} grasps has depth under it and fits the {1000 * STROKE:.0f} mm of the gripper',
    )


def aimed_at(grasp: np.ndarray, instances: np.ndarray) -> int | None:
    """Index of the object that most pixels in the middle of a grasp (5,) belong to; None on the bare table."""
    x, y, w, h, theta = grasp
    along, across = (
        step.ravel() for step in np.meshgrid(np.linspace(-0.25, 0.25, 9) * w, np.linspace(-0.5, 0.5, 7) * h)
    )
    columns = np.rint(x + along * np.cos(theta) + across * np.sin(theta)).astype(int)
    rows = np.rint(y - along * np.sin(theta) + across * np.cos(theta)).astype(int)
    inside = (rows >= 0) & (rows < instances.shape[0]) & (columns >= 0) & (columns < instances.shape[1])
    seen = instances[rows[inside], columns[inside]]
    seen = seen[seen > 0]
    return int(np.bincount(seen).argmax()) - 1 if len(seen) else None
