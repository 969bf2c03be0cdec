"""From a grasp in an image to a pose for a robot, with depth and a calibrated camera.

Frames follow ROS: the optical frame has x to the right, y down and z forward, in metres. A pixel (u, v) is counted from
the centre of the first one, as OpenCV and ``sensor_msgs/CameraInfo`` do. Depth is the z of the optical frame, not the
length of the ray. The gripper comes in along the optical axis, or straight down, which is what four degrees of freedom
leave: x, y, z and the turn about the approach.
"""

from dataclasses import dataclass, replace
from math import atan2

import cv2
import numpy as np

from mmvg.apis.grasp_input import (
    PinholeCamera,
    check_angles,
    check_hand_eye,
    check_limits,
    check_rigid,
    read_depth,
    warn_of_depth,
)
from mmvg.checks import check_choice
from mmvg.structures import fold_angle, grasps_to_corners, usable_grasps

OPTICAL_FRAME = 'camera_optical_frame'
APPROACHES = ('camera', 'vertical')
_CENTRE = 0.5  # share of the opening, in its middle, that the depth is taken from
_AHEAD = np.array([0.0, 0.0, 1.0])
_FLATTEST = np.sin(np.deg2rad(15))  # of a camera that looks down on what is grasped straight from above


@dataclass(frozen=True)
class GraspPose:
    """Where a parallel gripper goes.

    Args:
        position: (3,) metres, midway between the jaws, on the surface that was seen (or ``reach`` beyond it).
        rotation: (3, 3); columns are the opening axis, approach x opening axis, and the approach.
        opening: Distance of the jaws in metres.
        jaw: Size of the jaws across the opening in metres, as far as the grasp knows.
        score: In [0, 1].
        frame: Name of the frame that position and rotation are in.
    """

    position: np.ndarray
    rotation: np.ndarray
    opening: float
    jaw: float
    score: float
    frame: str

    @property
    def angle(self) -> float:
        """Turn of the opening axis about the z of the frame, from x towards y, radians in (-pi/2, pi/2]."""
        x, y = self.rotation[:2, 0]
        return float(fold_angle(np.float64(atan2(y, x))))

    @property
    def quaternion(self) -> np.ndarray:
        """(4,) x, y, z, w of ``rotation``."""
        from scipy.spatial.transform import Rotation

        return Rotation.from_matrix(self.rotation).as_quat()


def grasp_poses(
    grasps: np.ndarray,
    scores: np.ndarray,
    depth: np.ndarray,
    camera: PinholeCamera,
    mask: np.ndarray | None = None,
    min_score: float = 0.0,
    max_opening: float | None = None,
    reach: float = 0.0,
    camera_to_base: np.ndarray | None = None,
    base_frame: str = 'base_link',
    approach: str = 'camera',
    camera_frame: str = OPTICAL_FRAME,
) -> list[GraspPose]:
    """Poses of the grasps that can be carried out, best first; an empty list is an answer: there is no grasp.

    Left out are grasps that score less than ``min_score``, that open wider than ``max_opening``, that are not finite,
    and those without depth; see :func:`grasp_to_pose`.

    Args:
        grasps: (N, 5) in pixels of the image, see :mod:`mmvg.structures.grasps`.
        scores: (N,).
        depth: See :func:`mmvg.apis.grasp_input.read_depth`.
        camera: Of the image; depth is registered to it.
        mask: (H, W) bool, the object; depth is taken from there only.
        min_score: Least score, in [0, 1].
        max_opening: Largest opening of the gripper in metres, more than 0; None is for any.
        reach: How far beyond the visible surface the jaws close, in metres along the approach.
        camera_to_base: (4, 4), from the optical frame to the base of the robot (hand-eye calibration). Without it,
            poses are in ``camera_frame``.
        base_frame: Name of the frame of the base.
        approach: ``'camera'``: along the optical axis; ``'vertical'``: straight down in the base, whose z points up.
            Then the jaws open in the horizontal plane through the surface, wherever the camera looks from.
        camera_frame: Name of the optical frame, ``frame_id`` of its messages.

    Warns:
        GraspInputWarning: If an input is possible but unlikely, such as depth without a measurement.

    Raises:
        ValueError: If an input is malformed, in millimetres instead of metres or in degrees instead of radians, if
            depth and mask are not of the size of the camera's image, or ``'vertical'`` has no base to be vertical in or
            a camera that does not look down.
    """
    grasps, scores = np.asarray(grasps, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if grasps.ndim != 2 or grasps.shape[1] != 5 or scores.shape != grasps.shape[:1]:
        raise ValueError(f'grasps must be (N, 5) and scores (N,), not {grasps.shape} and {scores.shape}')
    check_angles(grasps)
    check_limits(min_score, max_opening, reach)
    metres = read_depth(depth, camera)
    if camera_to_base is not None:
        camera_to_base = check_hand_eye(camera_to_base)
    direction = approach_direction(approach, camera_to_base)
    poses, depths = [], []
    for index in np.argsort(-scores, kind='stable'):
        if not scores[index] >= min_score:  # NaN neither
            continue
        pose = _pose_on(metres, grasps[index], camera, mask, float(scores[index]), reach, direction)
        if pose is None:
            continue
        depths.append(pose.position[2] - reach * direction[2])
        if max_opening is None or pose.opening <= max_opening:
            poses.append(replace(pose, frame=camera_frame))
    warn_of_depth(metres, np.array(depths))
    return poses if camera_to_base is None else [to_frame(pose, camera_to_base, base_frame) for pose in poses]


def approach_direction(approach: str, camera_to_base: np.ndarray | None) -> np.ndarray:
    """Unit vector (3,) along which the gripper comes in, in the optical frame; see :func:`grasp_poses`.

    Raises:
        ValueError: If it is not known, or the camera looks less than 15 degrees down on a vertical approach.
    """
    check_choice('approach', approach, APPROACHES)
    if approach == 'camera':
        return _AHEAD
    if camera_to_base is None:
        raise ValueError("approach='vertical' needs camera_to_base: without it nobody knows where down is")
    down = -camera_to_base[2, :3]
    if down[2] < _FLATTEST:
        raise ValueError(
            f"approach='vertical' needs a camera that looks down by 15 degrees or more; by camera_to_base it looks "
            f'{np.rad2deg(np.arcsin(np.clip(down[2], -1, 1))):.0f} degrees down: is it base to camera?'
        )
    return down


def grasp_to_pose(
    grasp: np.ndarray,
    depth: np.ndarray,
    camera: PinholeCamera,
    mask: np.ndarray | None = None,
    score: float = 1.0,
    reach: float = 0.0,
    direction: np.ndarray | None = None,
) -> GraspPose | None:
    """Pose of one grasp (5,) in the optical frame, or None if it is no rectangle or there is no depth under it.

    The depth is the median of what was measured in the middle half of the opening, as wide as the jaws, inside
    ``mask``: holes (0, NaN, infinite) do not count, and neither do the few pixels of something else. Opening and jaws
    are measured where the rays of their ends meet the plane through that point, across ``direction``: a unit vector
    (3,) of the optical frame, by default its z.

    Raises:
        ValueError: See :func:`grasp_poses`.
    """
    direction = _AHEAD if direction is None else direction
    grasp = np.asarray(grasp, dtype=np.float64)
    return _pose_on(read_depth(depth, camera), grasp, camera, mask, score, reach, direction)


def _pose_on(
    metres: np.ndarray,
    grasp: np.ndarray,
    camera: PinholeCamera,
    mask: np.ndarray | None,
    score: float,
    reach: float,
    direction: np.ndarray,
) -> GraspPose | None:
    """Do the work of :func:`grasp_to_pose` on depth that :func:`read_depth` has read."""
    if not usable_grasps(grasp):
        return None
    seen = metres[_jaw_region(grasp, camera, mask)]
    seen = seen[np.isfinite(seen)]
    if not len(seen):
        return None
    x, y, w, h, theta = grasp
    surface = camera.deproject(np.array([x, y]), float(np.median(seen)))
    across, along = np.array([np.cos(theta), -np.sin(theta)]), np.array([np.sin(theta), np.cos(theta)])
    rays = camera.rays(np.array([x, y]) + np.stack([-w * across, w * across, -h * along, h * along]) / 2)
    descent = rays @ direction
    if (descent <= 0.05 * np.linalg.norm(rays, axis=1)).any():  # a ray that never gets to the plane
        return None
    left, right, near, far = (surface @ direction / descent)[:, None] * rays
    opening = np.linalg.norm(right - left)
    axis = (right - left) / opening
    return GraspPose(
        position=(left + right) / 2 + reach * direction,  # under a tilted camera not what the middle pixel sees
        rotation=np.stack([axis, np.cross(direction, axis), direction], 1),
        opening=float(opening),
        jaw=float(np.linalg.norm(far - near)),
        score=score,
        frame=OPTICAL_FRAME,
    )


def to_frame(pose: GraspPose, transform: np.ndarray, frame: str) -> GraspPose:
    """``pose`` in the frame that ``transform`` (4, 4) leads to."""
    transform = check_rigid(transform)
    position = transform[:3, :3] @ pose.position + transform[:3, 3]
    return replace(pose, position=position, rotation=transform[:3, :3] @ pose.rotation, frame=frame)


def _jaw_region(grasp: np.ndarray, camera: PinholeCamera, mask: np.ndarray | None) -> np.ndarray:
    """Bool (H, W): pixels in the middle of the opening, the pixel of the centre at least, and in the mask."""
    region = np.zeros((camera.height, camera.width), np.uint8)
    middle = grasps_to_corners(grasp * (1, 1, _CENTRE, 1, 1))
    # a rectangle may reach far outside of the image; OpenCV draws what is inside, within 32-bit coordinates
    cv2.fillConvexPoly(region, np.rint(middle.clip(-30000, 30000)).astype(np.int32), 1)
    if mask is None:
        return region.astype(bool)
    if np.shape(mask) != region.shape:
        raise ValueError(f'mask is {np.shape(mask)} (height, width), the image {region.shape}')
    return region.astype(bool) & np.asarray(mask, dtype=bool)
