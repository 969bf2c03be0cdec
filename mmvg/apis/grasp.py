"""From a grasp in an image to a pose for a robot, with depth and a calibrated camera.

Frames follow ROS: the optical frame has x to the right, y down and z forward, in metres. A pixel (u, v) is counted from
the centre of the first one, as OpenCV and ``sensor_msgs/CameraInfo`` do. Depth is the z of the optical frame, not the
length of the ray. The gripper comes in along the optical axis, which is what four degrees of freedom leave: x, y, z and
the turn about the approach.
"""

from dataclasses import dataclass, replace
from math import atan2

import cv2
import numpy as np

from mmvg.structures import fold_angle, grasps_to_corners, usable_grasps

OPTICAL_FRAME = 'camera_optical_frame'
_CENTRE = 0.5  # share of the opening, in its middle, that the depth is taken from
_FARTHEST = 50.0  # metres; float depth, or a hand-eye shift, beyond that is in millimetres


@dataclass(frozen=True)
class PinholeCamera:
    """Intrinsics of a rectified image, in pixels; ``k`` of ``CameraInfo`` is ``[fx, 0, cx, 0, fy, cy, 0, 0, 1]``."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    @classmethod
    def from_matrix(cls, matrix: np.ndarray, width: int, height: int) -> 'PinholeCamera':
        """Read a calibration matrix (3, 3), or its nine numbers row by row.

        Raises:
            ValueError: If it is not one of a pinhole camera without skew.
        """
        k = np.asarray(matrix, dtype=np.float64).reshape(-1)
        if k.size != 9 or not np.isfinite(k).all() or k[1] or k[3] or k[6] or k[7] or k[8] != 1 or min(k[0], k[4]) <= 0:
            raise ValueError(f'a camera matrix is [fx, 0, cx, 0, fy, cy, 0, 0, 1] with fx, fy > 0, not {k.tolist()}')
        return cls(fx=k[0], fy=k[4], cx=k[2], cy=k[5], width=width, height=height)

    def deproject(self, pixels: np.ndarray, z: float) -> np.ndarray:
        """Points (..., 3) in the optical frame, in metres, of pixels (..., 2) at depth ``z``."""
        x = (pixels[..., 0] - self.cx) / self.fx * z
        y = (pixels[..., 1] - self.cy) / self.fy * z
        return np.stack([x, y, np.full_like(x, z)], -1)


@dataclass(frozen=True)
class GraspPose:
    """Where a parallel gripper goes.

    Args:
        position: (3,) metres, midway between the jaws, on the surface that was seen (or ``reach`` beyond it).
        rotation: (3, 3); columns are the opening axis, its cross product with the approach, and the approach.
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
) -> list[GraspPose]:
    """Poses of the grasps that can be carried out, best first; an empty list is an answer: there is no grasp.

    Left out are grasps that score less than ``min_score``, that open wider than ``max_opening``, that are not finite,
    and those without depth; see :func:`grasp_to_pose`.

    Args:
        grasps: (N, 5) in pixels of the image, see :mod:`mmvg.structures.grasps`.
        scores: (N,).
        depth: See :func:`read_depth`.
        camera: Of the image; depth is registered to it.
        mask: (H, W) bool, the object; depth is taken from there only.
        min_score: Least score.
        max_opening: Largest opening of the gripper in metres.
        reach: How far beyond the visible surface the jaws close, in metres along the approach.
        camera_to_base: (4, 4), from the optical frame to the base of the robot (hand-eye calibration). Without it,
            poses are in ``OPTICAL_FRAME``.
        base_frame: Name of the frame of the base.

    Raises:
        ValueError: If an input is malformed or in millimetres instead of metres, or depth and mask are not of the size
            of the camera's image.
    """
    grasps, scores = np.asarray(grasps, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if grasps.ndim != 2 or grasps.shape[1] != 5 or scores.shape != grasps.shape[:1]:
        raise ValueError(f'grasps must be (N, 5) and scores (N,), not {grasps.shape} and {scores.shape}')
    metres = read_depth(depth, camera)
    if camera_to_base is not None:
        camera_to_base = check_rigid(camera_to_base)
        if (distance := np.linalg.norm(camera_to_base[:3, 3])) > _FARTHEST:
            raise ValueError(f'camera_to_base shifts by {distance:g} m: the shift must be in metres, not millimetres')
    poses = []
    for index in np.argsort(-scores, kind='stable'):
        if not scores[index] >= min_score:  # NaN neither
            continue
        pose = grasp_to_pose(grasps[index], metres, camera, mask, float(scores[index]), reach)
        if pose is None or (max_opening is not None and pose.opening > max_opening):
            continue
        poses.append(pose if camera_to_base is None else to_frame(pose, camera_to_base, base_frame))
    return poses


def grasp_to_pose(
    grasp: np.ndarray,
    depth: np.ndarray,
    camera: PinholeCamera,
    mask: np.ndarray | None = None,
    score: float = 1.0,
    reach: float = 0.0,
) -> GraspPose | None:
    """Pose of one grasp (5,) in the optical frame, or None if it is no rectangle or there is no depth under it.

    The depth is the median of what was measured in the middle half of the opening, as wide as the jaws, inside
    ``mask``: holes (0, NaN, infinite) do not count, and neither do the few pixels of something else.

    Raises:
        ValueError: See :func:`grasp_poses`.
    """
    grasp = np.asarray(grasp, dtype=np.float64)
    if not usable_grasps(grasp):
        return None
    seen = read_depth(depth, camera)[_jaw_region(grasp, camera, mask)]
    seen = seen[np.isfinite(seen)]
    if not len(seen):
        return None
    z = float(np.median(seen)) + reach
    x, y, w, h, theta = grasp
    ends = np.array([x, y]) + np.outer([-0.5, 0.5], [np.cos(theta) * w, -np.sin(theta) * w])
    sides = np.array([x, y]) + np.outer([-0.5, 0.5], [np.sin(theta) * h, np.cos(theta) * h])
    left, right = camera.deproject(ends, z - reach)  # the opening is measured where the object was seen
    jaw = np.linalg.norm(np.diff(camera.deproject(sides, z - reach), axis=0))
    opening = np.linalg.norm(right - left)
    axis, approach = (right - left) / opening, np.array([0.0, 0.0, 1.0])
    return GraspPose(
        position=camera.deproject(np.array([x, y]), z - reach) + reach * approach,
        rotation=np.stack([axis, np.cross(approach, axis), approach], 1),
        opening=float(opening),
        jaw=float(jaw),
        score=score,
        frame=OPTICAL_FRAME,
    )


def read_depth(depth: np.ndarray, camera: PinholeCamera) -> np.ndarray:
    """Depth (H, W) in metres, float64, NaN where nothing was measured.

    Args:
        depth: (H, W) or (H, W, 1), float, in metres, or uint16, in millimetres, of either byte order. 0, negative, NaN
            and infinite mean: nothing was measured.
        camera: Of the image that the depth is registered to.

    Raises:
        ValueError: If it is of another type or size, or is a float image in millimetres.
    """
    depth = np.asarray(depth)
    if depth.ndim == 3 and depth.shape[2] == 1:
        depth = depth[..., 0]
    if depth.shape != (camera.height, camera.width):
        raise ValueError(
            f'depth is {depth.shape} (height, width), the image {(camera.height, camera.width)}: register the depth to '
            'the colour image first'
        )
    if depth.dtype.newbyteorder('=') == np.uint16:
        metres = depth / 1000
    elif depth.dtype.kind == 'f':
        metres = depth.astype(np.float64)
    else:
        raise ValueError(f'depth must be float, in metres, or uint16, in millimetres, not {depth.dtype}')
    measured = np.isfinite(metres) & (metres > 0)
    if measured.any() and np.median(metres[measured]) > _FARTHEST:
        middle = np.median(metres[measured])
        raise ValueError(f'half of the depth is beyond {middle:g} m: float depth must be in metres, not millimetres')
    return np.where(measured, metres, np.nan)


def check_rigid(matrix: np.ndarray) -> np.ndarray:
    """A transform (4, 4) as float64.

    Raises:
        ValueError: If it does more than turn and shift.
    """
    matrix = np.asarray(matrix, dtype=np.float64)
    rigid = matrix.shape == (4, 4) and np.isfinite(matrix).all() and np.allclose(matrix[3], [0, 0, 0, 1])
    if rigid:
        turn = matrix[:3, :3]
        rigid = np.allclose(turn @ turn.T, np.eye(3), atol=1e-4) and np.linalg.det(turn) > 0
    if not rigid:
        raise ValueError(f'a hand-eye matrix is (4, 4), a rotation and a shift in metres, not {matrix.tolist()}')
    return matrix


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
