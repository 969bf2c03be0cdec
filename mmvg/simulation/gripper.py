"""A floating parallel gripper with the stroke and pads of a Robotiq 2F-85, and the trial whether it lifts an object.

Lengths are those of the maker's data sheet: 85 mm of stroke, pads 22 mm wide. There is no arm: the gripper appears
around the object, closes with a force, and goes straight up.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from mmvg.apis.grasp import GraspPose, PinholeCamera, grasp_to_pose, read_depth, to_frame

from .backend import load_mujoco
from .model import add_object, add_table, new_spec, to_quat
from .objects import SceneCamera, TableObject

STROKE = 0.085  # metres; the widest opening
PAD_WIDTH = 0.022  # metres across the opening, what a grasp calls its jaw
PAD_HEIGHT = 0.037  # metres along the approach
FINGER = 0.013  # metres that a finger takes up outside of the opening
REACH = 0.035  # metres that the finger tips go beyond the surface at most
CLEARANCE = 0.003  # metres that they stay above what lies under them
FORCE = 40.0  # newtons of each finger; the 2F-85 has 20 to 235
TABLE_FRAME = 'table'
_STEP = 0.004  # seconds
_DAMPING = 200.0  # newtons per metre and second: fingers close at up to 0.2 m/s each
_PALM = 0.105  # metres from the finger tips
_CLOSING = 0.3  # seconds at most
_LIFT, _LIFTING, _HOLDING = 0.09, 0.32, 0.12  # metres, seconds, seconds
_TOUCH = 0.0008  # metres; the fingers may overlap something by so much before they close
_EMPTY = 0.0012  # metres; fingers that come closer than this hold nothing


class LiftTrial(NamedTuple):
    """How a trial ended.

    Args:
        lifted: The object was lifted and is held.
        cause: ``'lifted'``, ``'collision'`` (the open fingers do not fit), ``'missed'`` (they closed on nothing) or
            ``'slipped'`` (it was not held to the end).
    """

    lifted: bool
    cause: str


def finger_pose(
    grasp: np.ndarray,
    depth: np.ndarray,
    camera: SceneCamera,
    mask: np.ndarray | None = None,
    score: float = 1.0,
    points: np.ndarray | None = None,
) -> GraspPose | None:
    """Where the finger tips of the gripper go for a grasp in a picture, in the frame of the table.

    The fingers go in along the optical axis, up to ``REACH`` beyond the surface that is seen, and stay ``CLEARANCE``
    above what the depth image shows under them.

    Args:
        grasp: (5,) ``[x, y, w, h, theta]`` in pixels.
        depth: (H, W) in metres.
        camera: Of the picture.
        mask: (H, W) bool, the object.
        score: Of the grasp.
        points: (H, W, 3) what :func:`optical_points` makes of the depth, where that is there already.

    Returns:
        The pose, or None if there is no depth under the grasp or no room for the fingers.
    """
    surface = grasp_to_pose(grasp, depth, camera.intrinsics, mask, score)
    if surface is None:
        return None
    points = optical_points(depth, camera.intrinsics) if points is None else points
    reach = min(REACH, _room_below(surface, points) - CLEARANCE)
    if reach <= CLEARANCE:
        return None
    tips = replace(surface, position=surface.position + reach * surface.rotation[:, 2])
    return to_frame(tips, camera.camera_to_table, TABLE_FRAME)


def optical_points(depth: np.ndarray, camera: PinholeCamera) -> np.ndarray:
    """Points (H, W, 3) of a depth image in the optical frame, in metres; NaN in its holes."""
    z = read_depth(depth, camera)
    y, x = np.mgrid[: depth.shape[0], : depth.shape[1]]
    return np.stack([(x - camera.cx) / camera.fx * z, (y - camera.cy) / camera.fy * z, z], -1)


def _room_below(surface: GraspPose, points: np.ndarray) -> float:
    """Metres from the surface of a grasp to the nearest thing that is seen under its open fingers."""
    apart = points - surface.position
    near = np.abs(apart[..., 0]) + np.abs(apart[..., 1]) < STROKE + 2 * FINGER  # holes are not
    beside = apart[near] @ surface.rotation
    across, along = np.abs(beside[..., 0]), np.abs(beside[..., 1])
    half = min(surface.opening, STROKE) / 2
    below = (across > half) & (across < half + FINGER) & (along < PAD_WIDTH / 2)
    return float(beside[..., 2][below].min()) if below.any() else REACH


class LiftTrials:
    """Tries grasps of one object among others; its model is made once.

    The others stay where they are, so that a grasp that would have to move them is no grasp.

    Args:
        objects: All objects of a table.
        index: The one to lift.
        near: Metres; objects farther away than this are left out.
    """

    def __init__(self, objects: Sequence[TableObject], index: int, near: float = 0.06) -> None:
        mujoco = load_mujoco()
        spec = new_spec(_STEP)
        add_table(spec)
        cloud = objects[index].points()[:, :2]
        low, high = cloud.min(0) - near - FINGER, cloud.max(0) + near + FINGER
        for number, thing in enumerate(objects):
            own = thing.points()[:, :2]
            if number == index:
                add_object(spec, thing, number)
            elif (own.max(0) > low).all() and (own.min(0) < high).all():
                add_object(spec, thing, number, free=False)
        add_gripper(spec)
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        self.object = self.model.body(f'object_{index}').id
        self.lift = self.model.joint('gripper_lift')
        self.fingers = [self.model.joint(f'finger_{side}') for side in ('left', 'right')]
        gripper = {self.model.body(name).id for name in ('gripper', 'finger_left', 'finger_right')}
        self.of_gripper = np.isin(self.model.geom_bodyid, list(gripper))
        self.pads = [self.model.geom(f'pad_{side}').id for side in ('left', 'right')]

    def try_pose(self, pose: GraspPose) -> LiftTrial:
        """Try a pose of the finger tips in the frame of the table, see :func:`finger_pose`."""
        mujoco, model, data = load_mujoco(), self.model, self.data
        mujoco.mj_resetData(model, data)
        model.body('gripper_base').pos[:] = pose.position
        model.body('gripper').quat[:] = to_quat(pose.rotation)
        half = min(pose.opening, STROKE) / 2
        for finger in self.fingers:
            data.qpos[finger.qposadr] = half
        mujoco.mj_forward(model, data)
        if self._overlaps():
            return LiftTrial(False, 'collision')
        data.ctrl[:] = -FORCE
        for step in range(round(_CLOSING / _STEP)):
            self._move(0.0, 0.0)
            if step > 12 and all(abs(data.qvel[finger.dofadr][0]) < 1e-3 for finger in self.fingers):
                break
        if sum(data.qpos[finger.qposadr][0] for finger in self.fingers) < _EMPTY:
            return LiftTrial(False, 'missed')
        height = data.xpos[self.object, 2]
        steps = round(_LIFTING / _STEP)
        for step in range(steps):
            share = (step + 1) / steps
            self._move(_LIFT * (3 - 2 * share) * share**2, _LIFT * 6 * share * (1 - share) / _LIFTING)
        for _ in range(round(_HOLDING / _STEP)):
            self._move(_LIFT, 0.0)
        held = self._held() and data.xpos[self.object, 2] - height > 0.6 * _LIFT
        return LiftTrial(held, 'lifted' if held else 'slipped')

    def _move(self, height: float, speed: float) -> None:
        """Make one step with the gripper at a height above where it began; nothing slows it down."""
        data = self.data
        data.qpos[self.lift.qposadr], data.qvel[self.lift.dofadr] = height, speed
        load_mujoco().mj_step(self.model, data)

    def _overlaps(self) -> bool:
        """Whether the gripper stands in something else."""
        contact = self.data.contact
        if not len(contact.dist):
            return False
        ours = self.of_gripper[contact.geom]
        return bool(((contact.dist < -_TOUCH) & (ours[:, 0] != ours[:, 1])).any())

    def _held(self) -> bool:
        """Whether both pads touch the object."""
        geoms = self.data.contact.geom
        own = self.model.geom_bodyid[geoms] == self.object
        return all(((geoms == pad)[:, ::-1] & own).any() for pad in self.pads)


def lift_trial(objects: Sequence[TableObject], index: int, pose: GraspPose) -> LiftTrial:
    """Try one pose on object ``index``; for several of the same object, :class:`LiftTrials` is faster."""
    return LiftTrials(objects, index).try_pose(pose)


def add_gripper(spec: Any) -> None:
    """Add the gripper to a model: z of its body ``gripper`` is the approach, x the opening, and its origin lies between
    the finger tips. ``gripper_base`` says where it is, the joint ``gripper_lift`` how much higher."""
    mujoco = load_mujoco()
    kinds = mujoco.mjtGeom
    base = spec.worldbody.add_body(name='gripper_base')
    lift = base.add_joint(name='gripper_lift', type=mujoco.mjtJoint.mjJNT_SLIDE, axis=(0, 0, 1))
    lift.armature = 1000
    base.add_geom(type=kinds.mjGEOM_SPHERE, size=(0.001, 0, 0), mass=1, contype=0, conaffinity=0)
    base.gravcomp = 1
    hand = base.add_body(name='gripper', gravcomp=1)
    hand.add_geom(name='palm', type=kinds.mjGEOM_BOX, size=(0.045, 0.03, 0.02), pos=(0, 0, -_PALM - 0.02), mass=0.6)
    for side, sign in (('left', -1), ('right', 1)):
        finger = hand.add_body(name=f'finger_{side}', gravcomp=1)
        joint = finger.add_joint(
            name=f'finger_{side}', type=mujoco.mjtJoint.mjJNT_SLIDE, axis=(sign, 0, 0), range=(0, STROKE / 2)
        )
        joint.armature = 0.05
        if np.ndim(joint.damping):  # since MuJoCo 4: of the first, second and third power of the speed
            joint.damping = (_DAMPING, 0, 0)
        else:
            joint.damping = _DAMPING
        pad = finger.add_geom(name=f'pad_{side}', type=kinds.mjGEOM_BOX, mass=0.02)
        pad.size, pad.pos = (0.004, PAD_WIDTH / 2, PAD_HEIGHT / 2), (sign * 0.004, 0, -PAD_HEIGHT / 2)
        pad.friction, pad.condim, pad.solref = (1.0, 0.02, 0.0005), 4, (0.008, 1)
        link = finger.add_geom(type=kinds.mjGEOM_BOX, mass=0.05)
        length = _PALM - 0.002
        link.size, link.pos = (0.0045, 0.010, length / 2), (sign * (FINGER - 0.0045), 0, -0.002 - length / 2)
        motor = spec.add_actuator(name=f'finger_{side}', target=f'finger_{side}')
        motor.trntype, motor.gainprm[0] = mujoco.mjtTrn.mjTRN_JOINT, 1
    coupled = spec.add_equality(name='fingers', type=mujoco.mjtEq.mjEQ_JOINT)
    coupled.name1, coupled.name2, coupled.objtype = 'finger_left', 'finger_right', mujoco.mjtObj.mjOBJ_JOINT
    coupled.data[:2], coupled.solref = (0, 1), (0.008, 1)
    spec.add_exclude(bodyname1='gripper', bodyname2='finger_left')
    spec.add_exclude(bodyname1='gripper', bodyname2='finger_right')
    spec.add_exclude(bodyname1='finger_left', bodyname2='finger_right')
