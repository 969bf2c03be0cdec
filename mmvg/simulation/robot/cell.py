"""The robot beside its table: a scene, the arm, and the bin that things are placed in."""

from typing import TYPE_CHECKING

import numpy as np

from ..model import set_intrinsics
from .kinematics import HOME, ArmKinematics
from .model import (
    ACTUATORS,
    FLANGE,
    HAND_EYE,
    JOINTS,
    STROKE,
    WRIST_CAMERA,
    robot_spec,
)

if TYPE_CHECKING:
    import mujoco

    from mmvg.simulation import TableScene

#: Pose of the base in the frame of the table, whose origin is in the middle of its top: on the near side, facing it.
BASE_TO_TABLE = np.array([[0.0, -1, 0, 0], [1, 0, 0, -0.6], [0, 0, 1, 0.1], [0, 0, 0, 1]])
BIN_MIDDLE = np.array([0.5, -0.52, -0.06])  # metres, in the frame of the table
BIN_SIZE = np.array([0.26, 0.26, 0.16])
NEARER = 0.15  # metres
LOOKING = (HOME, HOME - [0, 0.7, 0, 0, 0, 0.7, 0])  # where joints to look with are searched from
CARRY_HEIGHT = 0.16  # metres from the rim of the bin to the pads
OVERVIEW = 'overview'
_ROBOT = 'robot/'
WRIST = _ROBOT + WRIST_CAMERA
_WALL = 0.02


class RobotCell:
    """A simulated table with the robot at it.

    Args:
        scene: The table.
        robot: See :func:`mmvg.simulation.robot.robot_spec`.

    Attributes:
        model, data: Of MuJoCo.
        base_to_table: (4, 4).
    """

    def __init__(self, scene: 'TableScene', robot: str = 'iiwa') -> None:
        import mujoco

        self.scene = scene
        self.kinematics = ArmKinematics(robot)
        self.base_to_table = BASE_TO_TABLE
        spec = scene.mjcf()
        arm, self.gripper = robot_spec(robot)
        set_intrinsics(arm.camera(WRIST_CAMERA), scene.camera.intrinsics)
        _stand_beside(spec, arm)
        spec.option.enableflags |= int(mujoco.mjtEnableBit.mjENBL_SLEEP)  # what is at rest costs nothing until touched
        self.model: mujoco.MjModel = spec.compile()
        self.data = mujoco.MjData(self.model)
        self._find_parts(len(scene.objects))
        self._planned = mujoco.MjData(self.model)
        self.place_arm(HOME)

    def _find_parts(self, objects: int) -> None:
        model = self.model
        self._joints = np.array([model.joint(_ROBOT + name).qposadr[0] for name in JOINTS])
        self._speeds = np.array([model.joint(_ROBOT + name).dofadr[0] for name in JOINTS])
        self._actuators = np.array([model.actuator(_ROBOT + name).id for name in ACTUATORS])
        bias = model.actuator_biasprm[self._actuators]
        self._lags = bias[:, 2] / bias[:, 1]  # seconds: damping by stiffness
        self._fingers = model.actuator(_ROBOT + self.gripper.actuator).id
        body_of = model.geom_bodyid
        robot = np.array([model.body(body).name.startswith(_ROBOT) for body in range(model.nbody)])
        self.robot_geoms = robot[body_of]
        self._pad_bodies = [model.body(_ROBOT + pad).id for pad in self.gripper.pads]
        owner = np.full(model.nbody, -1)
        for index in range(objects):
            owner[model.body(f'object_{index}').id] = index
        for body in range(model.nbody):  # parts of objects belong to them
            owner[body] = max(owner[body], owner[model.body_parentid[body]])
        self.object_of_geom = owner[body_of]
        self._pad_geoms = [body_of == body for body in self._pad_bodies]

    @property
    def joints(self) -> np.ndarray:
        """Angles (7,) of the joints."""
        return self.data.qpos[self._joints].copy()

    def place_arm(self, joints: np.ndarray) -> None:
        """Put the arm there at once, at rest and with open fingers."""
        import mujoco

        self.data.qpos[self._joints] = joints
        self.data.qvel[self._speeds] = 0
        self.drive(joints, STROKE)
        mujoco.mj_forward(self.model, self.data)

    def drive(self, joints: np.ndarray, opening: float | None = None, speeds: np.ndarray | float = 0.0) -> None:
        """Set what the controllers hold.

        Args:
            joints: Angles (7,).
            opening: Of the fingers, in metres.
            speeds: Of the joints, (7,), so that controllers with damping do not lag behind.
        """
        self.data.ctrl[self._actuators] = joints + self._lags * speeds
        if opening is not None:
            self.data.ctrl[self._fingers] = self.gripper.control(opening)

    def step(self, seconds: float) -> None:
        """Let time pass."""
        import mujoco

        mujoco.mj_step(self.model, self.data, max(1, round(seconds / self.model.opt.timestep)))

    def looking_joints(self) -> np.ndarray | None:
        """Joints (7,) that bring the wrist camera to the camera of the scene, or up to ``NEARER`` before or behind it.

        Returns:
            None if none of these poses is in reach.
        """
        for nearer in sorted(np.linspace(-NEARER, NEARER, 11), key=abs):
            camera = self.scene.camera.camera_to_table.copy()
            camera[:3, 3] += nearer * camera[:3, 2]
            flange = self.table_to_base(camera) @ np.linalg.inv(HAND_EYE)
            for start in (self.towards(flange), *LOOKING):
                joints = self.kinematics.inverse(flange, start, FLANGE)
                if joints is not None and self.hits(joints) is None:
                    return joints
        return None

    def table_to_base(self, pose: np.ndarray) -> np.ndarray:
        """A pose (4, 4) of the frame of the table in that of the base."""
        return np.linalg.inv(self.base_to_table) @ pose

    def camera_to_base(self, joints: np.ndarray) -> np.ndarray:
        """Pose (4, 4) of the optical frame: where the flange is, times the hand-eye matrix."""
        return self.kinematics.forward(joints, FLANGE) @ HAND_EYE

    def simulated_camera(self) -> np.ndarray:
        """Pose (4, 4) in the frame of the table at which MuJoCo has the wrist camera now."""
        camera = self.data.camera(WRIST)
        pose = np.eye(4)
        pose[:3, :3] = camera.xmat.reshape(3, 3) @ np.diag([1.0, -1.0, -1.0])
        pose[:3, 3] = camera.xpos
        return pose

    def towards(self, pose: np.ndarray) -> np.ndarray:
        """Joints (7,) to search from for a pose (4, 4) in the frame of the base: ``HOME``, facing it."""
        joints = HOME.copy()
        joints[0] = np.arctan2(pose[1, 3], pose[0, 3])
        return joints

    def carry_joints(self) -> np.ndarray:
        """Joints (7,) at which the gripper is above the bin, pointing down."""
        over = np.eye(4)
        over[:3, :3] = np.diag([1.0, -1.0, -1.0])
        over[:3, 3] = BIN_MIDDLE + [0, 0, BIN_SIZE[2] / 2 + CARRY_HEIGHT]
        over = self.table_to_base(over)
        joints = self.kinematics.inverse(over, self.towards(over))
        if joints is None:
            raise ValueError('the bin is out of reach of the arm')
        return joints

    def hits(self, joints: np.ndarray) -> str | None:
        """What the arm would run into, other than the objects on the table, with ``joints`` (7,)."""
        import mujoco

        model, data = self.model, self._planned
        data.qpos[:] = self.data.qpos
        data.qpos[self._joints] = joints
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_collision(model, data)
        for first, second in data.contact.geom[data.contact.dist < 0]:
            of_robot = self.robot_geoms[[first, second]]
            if of_robot.any() and self.object_of_geom[[first, second]].max() < 0:
                names = [model.body(model.geom_bodyid[geom]).name or 'the room' for geom in (first, second)]
                return ' and '.join(name.removeprefix(_ROBOT) for name in names)
        return None

    def forces(self) -> tuple[np.ndarray, float]:
        """Contact forces in newtons: of each pad (2,), and the largest on any other part of the robot."""
        import mujoco

        pads, elsewhere, force = np.zeros(2), 0.0, np.zeros(6)
        contact = self.data.contact
        for index in np.flatnonzero(self.robot_geoms[contact.geom].any(1)):
            mujoco.mj_contactForce(self.model, self.data, index, force)
            touching = [of_pad[contact.geom[index]].any() for of_pad in self._pad_geoms]
            if any(touching):
                pads[touching.index(True)] += force[0]
            else:
                elsewhere = max(elsewhere, force[0])
        return pads, elsewhere

    def object_position(self, index: int) -> np.ndarray:
        """(3,) metres in the frame of the table."""
        return self.data.body(f'object_{index}').xpos.copy()

    def in_bin(self, index: int) -> bool:
        """Whether the middle of an object is in the bin."""
        away = self.object_position(index) - BIN_MIDDLE
        return bool((np.abs(away[:2]) < BIN_SIZE[:2] / 2).all() and abs(away[2]) < BIN_SIZE[2] / 2 + 0.02)


def _stand_beside(spec: 'mujoco.MjSpec', arm: 'mujoco.MjSpec') -> None:
    """Attach the robot on a pedestal, the bin and the camera of the films to a scene."""
    import mujoco

    world = spec.worldbody
    box, cylinder = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER
    turn = np.zeros(4)
    mujoco.mju_mat2Quat(turn, BASE_TO_TABLE[:3, :3].ravel())
    spec.attach(arm, prefix=_ROBOT, frame=world.add_frame(pos=BASE_TO_TABLE[:3, 3], quat=turn))
    low = -0.75  # the floor
    x, y, top = BASE_TO_TABLE[:3, 3]
    pedestal = dict(type=cylinder, rgba=[0.35, 0.35, 0.37, 1], size=[0.1, (top - low) / 2 - 0.001, 0])
    world.add_geom(name='pedestal', pos=[x, y, (top + low) / 2 - 0.001], contype=0, conaffinity=0, **pedestal)
    tray = world.add_body(name='bin', pos=BIN_MIDDLE)
    half = BIN_SIZE / 2
    for axis, side in ((0, -1), (0, 1), (1, -1), (1, 1), (2, -1)):
        size, place = half.copy(), np.zeros(3)
        size[axis] = _WALL / 2
        place[axis] = side * half[axis]
        tray.add_geom(type=box, size=size, pos=place, rgba=[0.25, 0.45, 0.75, 1], solref=[0.01, 1.2])
    eye, target = np.array([1.1, 0.85, 0.9]), np.array([0.05, -0.22, 0.2])
    spec.worldbody.add_camera(name=OVERVIEW, pos=eye, quat=looking_at(eye, target), fovy=48)


def looking_at(eye: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Quaternion (4,) of a MuJoCo camera at ``eye`` that looks at ``target``, upright."""
    import mujoco

    back = (eye - target) / np.linalg.norm(eye - target)
    right = np.cross([0.0, 0, 1], back)
    right /= np.linalg.norm(right)
    turn = np.zeros(4)
    mujoco.mju_mat2Quat(turn, np.stack([right, np.cross(back, right), back], 1).ravel())
    return turn
