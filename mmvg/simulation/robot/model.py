"""Which robot: an iiwa 14 with a 2F-85 and a camera at its wrist, as MuJoCo reads it, and how its parts are called."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmvg.checks import check_choice

if TYPE_CHECKING:
    import mujoco

ARMS = ('iiwa', 'menagerie')
ROBOTS = (*ARMS, 'floating')
STROKE = 0.085  # metres between the open pads of a 2F-85
TCP_HEIGHT = 0.144  # metres from the flange to the middle of the pads
PAD_LENGTH = 0.0375  # metres, along the approach
PAD_WIDTH = 0.022  # metres, across the opening
#: Pose of the optical frame in the frame of the flange: beside the gripper, looking past it.
HAND_EYE = np.array([[1.0, 0, 0, 0], [0, 1, 0, -0.09], [0, 0, 1, 0.02], [0, 0, 0, 1]])
#: Largest speeds of the joints in radians per second, from the data sheet of the iiwa 14 R820.
JOINT_SPEEDS = np.deg2rad([85, 85, 100, 75, 130, 135, 135])
JOINTS = tuple(f'joint{number}' for number in range(1, 8))
ACTUATORS = tuple(f'actuator{number}' for number in range(1, 8))
TCP, FLANGE, WRIST_CAMERA = 'tcp', 'flange', 'wrist_camera'
_MODELS = Path(__file__).parent / 'models'


@dataclass(frozen=True)
class Gripper:
    """How the gripper of a compiled model is driven.

    Args:
        actuator: The actuator of both fingers.
        wide: Its control with the pads ``STROKE`` apart.
        closed: Its control with the pads together.
        pads: Bodies of the two pads.
    """

    actuator: str
    wide: float
    closed: float
    pads: tuple[str, str]

    def control(self, opening: float) -> float:
        """Control for ``opening`` metres between the pads; at the ends of the stroke it stops.

        >>> Gripper('fingers', 0.0, 255.0, ('left', 'right')).control(0.0)
        255.0
        """
        return self.closed + (self.wide - self.closed) * float(np.clip(opening / STROKE, 0, 1))


OWN_GRIPPER = Gripper('fingers', 0.0, STROKE / 2, ('left_finger', 'right_finger'))
MENAGERIE_GRIPPER = Gripper('fingers_actuator', 0.0, 255.0, ('left_pad', 'right_pad'))


def robot_spec(robot: str = 'iiwa') -> tuple['mujoco.MjSpec', Gripper]:
    """The robot alone, with sites ``tcp`` and ``flange`` and the camera ``wrist_camera``.

    x of ``tcp`` is the axis of opening, z the approach.

    Args:
        robot: ``'iiwa'``, made from data sheets, which comes with mmvg; or ``'menagerie'``, the models with meshes of
            MuJoCo Menagerie, from the folder that ``MENAGERIE_ROOT`` names or what ``mujoco-menagerie prefetch`` has
            left in its cache; nothing is downloaded here.

    Raises:
        FileNotFoundError: If the models of the menagerie are not there.
    """
    spec = _arm_spec(robot)
    mount = spec.body(FLANGE)
    if robot == 'iiwa':
        spec.attach(_own('gripper_2f85'), prefix='2f85/', frame=mount.add_frame())
        gripper = OWN_GRIPPER
    else:  # its fingers move along y
        turn = [np.sqrt(0.5), 0, 0, -np.sqrt(0.5)]
        spec.attach(_from_menagerie('robotiq_2f85', '2f85'), prefix='2f85/', frame=mount.add_frame(quat=turn))
        gripper = MENAGERIE_GRIPPER
    pads = tuple(f'2f85/{pad}' for pad in gripper.pads)
    return spec, Gripper(f'2f85/{gripper.actuator}', gripper.wide, gripper.closed, pads)


@lru_cache(maxsize=2)
def arm_model(robot: str = 'iiwa') -> 'mujoco.MjModel':
    """The seven joints with ``tcp`` and ``flange``, without the gripper: what inverse kinematics needs."""
    return _arm_spec(robot).compile()


def _arm_spec(robot: str) -> 'mujoco.MjSpec':
    check_choice('robot', robot, ARMS)
    arm = _own('iiwa14') if robot == 'iiwa' else _from_menagerie('kuka_iiwa_14', 'iiwa14')
    attachment = arm.site('attachment_site')
    mount = attachment.parent.add_body(name=FLANGE, pos=attachment.pos, quat=attachment.quat, gravcomp=1)
    mount.add_site(name=FLANGE)
    mount.add_site(name=TCP, pos=[0, 0, TCP_HEIGHT])
    _add_camera(mount)
    return arm


def _add_camera(mount: 'mujoco.MjsBody') -> None:
    import mujoco

    turn = np.zeros(4)
    mujoco.mju_mat2Quat(turn, (HAND_EYE[:3, :3] @ np.diag([1.0, -1.0, -1.0])).ravel())  # MuJoCo: y up, looks along -z
    mount.add_camera(name=WRIST_CAMERA, pos=HAND_EYE[:3, 3], quat=turn)
    mount.add_geom(
        name='camera_housing',
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[0.045, 0.0125, 0.0125],
        pos=HAND_EYE[:3, 3] - [0, 0, 0.014],
        rgba=[0.2, 0.2, 0.22, 1],
        mass=0.072,
    )


def _own(name: str) -> 'mujoco.MjSpec':
    import mujoco

    return mujoco.MjSpec.from_file(str(_MODELS / f'{name}.xml'))


def _from_menagerie(robot: str, entry: str) -> 'mujoco.MjSpec':
    try:
        import mujoco_menagerie
    except ImportError as error:
        raise FileNotFoundError("--robot menagerie needs mujoco-menagerie: pip install 'mmvg[sim]'") from error
    found, cache = mujoco_menagerie.get(robot), mujoco_menagerie.Cache()
    place = cache.model_path(found) if cache.root is None else cache.root / robot
    if not (cache.is_cached(found) if cache.root is None else place.is_dir()):
        raise FileNotFoundError(
            f'{place}: the model {robot} of MuJoCo Menagerie is not there: let MENAGERIE_ROOT name a checkout of it, '
            f'fetch it with "mujoco-menagerie prefetch {robot}", or take --robot iiwa, which comes with mmvg'
        )
    return found.spec(entry, cache)
