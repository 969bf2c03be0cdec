"""From a pose of the gripper to motions of the arm: how deep to go, whether it is reached, and what is in the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeVar

import numpy as np
from scipy.spatial.transform import Rotation

from mmvg.apis.grasp import GraspPose, PinholeCamera
from mmvg.apis.grasp_input import read_depth

from .cell import RobotCell
from .model import PAD_LENGTH, PAD_WIDTH, STROKE
from .outcome import Outcome

REACH = 0.025  # metres that the middle of the pads goes below the visible surface, where there is room
LEAST_BITE = 0.007  # metres that the tips go below the top of what they close on at least
FIRM_BITE = 0.04  # metres that are enough for things of any height
CLEARANCE = 0.003  # metres of air around what was measured
ABOVE = 0.08  # metres above the grasp, where the straight approach begins
LIFT = 0.14  # metres straight up after the grasp
EXTRA_OPENING = 0.006, 0.002  # metres beyond the opening of the grasp; less where there is no room for more
LEANS = np.deg2rad([0.0, 12.0, -12.0])  # turns about the axis of opening that are tried
_TIP = PAD_LENGTH / 2
_PALM = 0.047  # metres from the middle of the pads to the knuckles
_PALM_WIDTH = 0.06  # metres from the axis
_PAD = 0.008  # metres, thickness of a pad
_FINGER = 0.018  # metres, thickness of a pad with the finger behind it, which ends at its middle
_OUTLIERS = 3  # measured points that may be wrong
_ON_TABLE = 0.005  # metres; what is less high is table
_OFF = 0.01  # metres that a grasp may be off the middle
_SHOULDER = 0.012  # metres below its top in which an object shows where its middle is


@dataclass(frozen=True)
class PickPlan:
    """What the arm does, as joints (N, 7) to pass, each from where the one before ends.

    Args:
        opening: Metres between the pads on the way down.
        approach: From where the arm looks to above the grasp.
        descent: Straight down to the grasp.
        lift: Straight up.
        carry: To above the bin.
    """

    opening: float
    approach: np.ndarray
    descent: np.ndarray
    lift: np.ndarray
    carry: np.ndarray


class PlanError(Exception):
    """There is no plan for a pose; ``cause`` is the outcome it leads to."""

    def __init__(self, cause: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


@dataclass(frozen=True)
class Cloud:
    """What the depth camera measured above the table, in the frame of the base, in metres.

    Args:
        points: (N, 3).
        of_answer: (N,) bool, whether they lie in the mask of the answer; all do where there is none.
        eye: (3,), where the camera is.
        table: Height of the table.
    """

    points: np.ndarray
    of_answer: np.ndarray
    eye: np.ndarray
    table: float

    @classmethod
    def from_depth(
        cls,
        depth: np.ndarray,
        camera: PinholeCamera,
        camera_to_base: np.ndarray,
        table: float,
        mask: np.ndarray | None = None,
    ) -> 'Cloud':
        """Read a depth image (H, W); pixels without a measurement are left out, and so is the table."""
        z = read_depth(depth, camera)
        rows, columns = np.nonzero(np.isfinite(z))
        points = camera.rays(np.stack([columns, rows], 1).astype(float)) * z[rows, columns, None]
        points = points @ camera_to_base[:3, :3].T + camera_to_base[:3, 3]
        of_answer = np.ones(len(points), bool) if mask is None else np.asarray(mask, bool)[rows, columns]
        above = points[:, 2] > table + _ON_TABLE
        return cls(points[above], of_answer[above], camera_to_base[:3, 3], table)

    def around(self, pose: GraspPose, radius: float = 0.09) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates (3, M) along opening, jaws and approach of the points near a pose, and their ``of_answer``."""
        near = (np.abs(self.points - pose.position)[:, :2] < radius).all(1)
        return ((self.points[near] - pose.position) @ pose.rotation).T, self.of_answer[near]


Plan = TypeVar('Plan')


def first_plan(
    poses: Sequence[GraspPose], cloud: Cloud, plan: Callable[[np.ndarray, float], Plan]
) -> tuple[GraspPose, Plan]:
    """Plan for the first pose that can be carried out, leaning a little if that helps.

    Poses at which the tips reach below the middle of what they close on, and of that alone, come before others.

    Args:
        poses: In the frame of the base, best first.
        cloud: What was measured.
        plan: Takes the pose (4, 4) of the middle of the pads, and the opening in metres; raises :class:`PlanError`.

    Returns:
        The pose that was chosen, and its plan.

    Raises:
        PlanError: If there is no plan for any; the cause is that of the first.
    """
    failure = None
    for firm, extra in product((True, False), EXTRA_OPENING):
        for pose in poses:
            opening = min(STROKE, pose.opening + extra)
            centred = centre(pose, opening, cloud)
            for lean in LEANS:
                turn = Rotation.from_rotvec(lean * centred.rotation[:, 0]).as_matrix()
                leant = replace(centred, rotation=turn @ centred.rotation)
                try:
                    return pose, plan(gripper_pose(leant, opening, cloud, firm), opening)
                except PlanError as error:
                    failure = failure or error
    raise failure or PlanError(Outcome.NO_POSE, 'there is no grasp')


def centre(pose: GraspPose, opening: float, cloud: Cloud) -> GraspPose:
    """Put a grasp on top, and in the middle, of what was measured between the pads.

    A pixel says where a ray is, not where on it: what the pads close on lies below the visible surface. So the pose
    first follows the ray down, then moves along its opening until both pads have equally far to go. How the gripper is
    turned and how far it opens stay as they were asked for.

    Args:
        pose: In the frame of the base, on the visible surface.
        opening: Metres between the pads.
        cloud: What was measured.
    """
    approach, ray = pose.rotation[:, 2], pose.position - cloud.eye
    sideways = ray / (ray @ approach) - approach  # of the ray, per metre along the approach
    lowest = _table_limit(pose, opening, cloud.table)
    level = max(0.0, min(REACH, lowest))
    for _ in range(2):  # the median depth of a vessel is that of its floor: where its rim is, another pixel is meant
        moved = replace(pose, position=pose.position + level * sideways)
        (x, y, z), of_answer = cloud.around(moved)
        between = of_answer & (np.abs(y) < PAD_WIDTH / 2) & (np.abs(x) < opening / 2 + _OFF)
        if between.sum() <= 2 * _OUTLIERS:
            return moved
        top = _highest(z[between])
        level = min(top + REACH, lowest)
    sides = np.sort(x[between & (z < top + _SHOULDER)])
    shift = (sides[_OUTLIERS] + sides[-1 - _OUTLIERS]) / 2 if len(sides) > 2 * _OUTLIERS else 0.0
    return replace(moved, position=moved.position + shift * moved.rotation[:, 0] + top * approach)


def gripper_pose(pose: GraspPose, opening: float, cloud: Cloud, firm: bool = False) -> np.ndarray:
    """Pose (4, 4) of the middle of the pads: as deep as palm, fingers and table allow, at most ``REACH``.

    Args:
        pose: On top of what is to be taken, in the frame of the base.
        opening: Metres between the pads.
        cloud: What was measured.
        firm: The tips have to pass the middle between the top and the table, or go ``FIRM_BITE`` deep, and nothing but
            what was answered may be between them.

    Raises:
        PlanError: If the tips cannot go deep enough: something stands in the way of a finger.
    """
    (x, y, z), of_answer = cloud.around(pose)
    x, y = np.abs(x), np.abs(y)
    near = y < PAD_WIDTH / 2 + CLEARANCE / 2
    beside = x - opening / 2  # what lies under a pad, or under the thicker finger behind and above it
    under_pads = near & (beside > -CLEARANCE / 2) & (beside < _PAD + CLEARANCE / 2)
    under_fingers = near & (beside > _PAD) & (beside < _FINGER + CLEARANCE / 2)
    deepest = min(
        REACH,
        _highest(z[near & (x < _PALM_WIDTH)]) + _PALM - CLEARANCE,
        _highest(z[under_pads]) - _TIP - CLEARANCE,
        _highest(z[under_fingers]) - CLEARANCE,
        _table_limit(pose, opening, cloud.table),
    )
    bite = LEAST_BITE
    if firm:
        bite = max(bite, min(FIRM_BITE, (pose.position[2] - cloud.table) / 2 + CLEARANCE))
    if deepest + _TIP < bite:
        raise PlanError(Outcome.COLLISION, 'something stands where a finger has to go')
    between = near & ~of_answer & (x < opening / 2 - CLEARANCE) & (z < deepest + _TIP - CLEARANCE)
    if firm and between.sum() > _OUTLIERS:
        raise PlanError(Outcome.COLLISION, 'something else stands between the fingers')
    target = np.eye(4)
    target[:3, :3] = pose.rotation
    target[:3, 3] = pose.position + deepest * pose.rotation[:, 2]
    return target


def _highest(depths: np.ndarray) -> float:
    """The point nearest to the gripper, but for a few outliers; infinite without points."""
    return float(np.partition(depths, _OUTLIERS)[_OUTLIERS]) if len(depths) > _OUTLIERS else np.inf


def _table_limit(pose: GraspPose, opening: float, table: float) -> float:
    """How far the middle of the pads may go until a corner of a finger is ``CLEARANCE`` above the table."""
    along, across, down = pose.rotation[2]  # heights gained along opening, jaws and approach
    sideways = abs(along) * (opening / 2 + _PAD) + abs(across) * PAD_WIDTH / 2
    return (pose.position[2] - table - CLEARANCE - sideways) / -down - _TIP


def plan_motions(cell: RobotCell, grasp: np.ndarray, opening: float) -> PickPlan:
    """Plan the motions of the arm for a pose (4, 4) of the middle of the pads, with either pad on either side.

    Args:
        cell: With the arm where it looks from.
        grasp: In the frame of the base.
        opening: Metres between the pads.

    Raises:
        PlanError: If the arm does not reach it, or would run into something that is no object.
    """
    failure = None
    for side in (1.0, -1.0):
        turned = grasp.copy()
        turned[:3, :2] *= side
        try:
            return _plan_motions(cell, turned, opening)
        except PlanError as error:
            failure = failure or error
    raise failure


def _plan_motions(cell: RobotCell, grasp: np.ndarray, opening: float) -> PickPlan:
    above, lifted = grasp.copy(), grasp.copy()
    above[:3, 3] -= ABOVE * grasp[:3, 2]
    lifted[2, 3] += LIFT
    arm, start = cell.kinematics, cell.joints
    over = arm.inverse(above, cell.towards(above))
    descent = None if over is None else arm.line(above, grasp, over)
    lift = None if descent is None else arm.line(grasp, lifted, descent[-1])
    if lift is None:
        x, y = (cell.base_to_table @ grasp)[:2, 3]
        raise PlanError(Outcome.UNREACHABLE, f'the arm does not reach ({x:.2f}, {y:.2f}) m on the table at this angle')
    carry = cell.carry_joints()
    for part, joints in (('above the grasp', over), ('at the grasp', descent[-1]), ('on the way to the bin', lift[-1])):
        if (hit := cell.hits(joints)) is not None:
            raise PlanError(Outcome.COLLISION, f'{part}, the arm would bring together {hit}')
    for share in np.linspace(0, 1, 8)[1:-1]:
        for part, ends in (('the approach', (start, over)), ('the way to the bin', (lift[-1], carry))):
            if (hit := cell.hits((1 - share) * ends[0] + share * ends[1])) is not None:
                raise PlanError(Outcome.COLLISION, f'on {part}, the arm would bring together {hit}')
    return PickPlan(opening, over[None], descent, lift, carry[None])
