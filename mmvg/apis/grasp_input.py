"""What a robot's sensors give: intrinsics, depth and calibration, checked, for a mistake here moves an arm.

What is certainly wrong is an error; what is only unlikely is a :class:`GraspInputWarning`, which
``warnings.simplefilter('error', GraspInputWarning)`` makes an error too.
"""

import warnings
from dataclasses import dataclass

import numpy as np

from mmvg.structures import check_threshold

_FARTHEST = 50.0  # metres; float depth, or a hand-eye shift, beyond that is in millimetres
_REACHABLE = 3.0  # metres; no arm that grasps from a table is as long
_NEAREST = 0.05  # metres; no depth camera measures nearer
_WIDEST = 1.0  # metres; no parallel gripper opens as wide


class GraspInputWarning(UserWarning):
    """Depth, calibration or a setting is possible but unlikely: look at it before power is on."""


@dataclass(frozen=True)
class PinholeCamera:
    """Intrinsics of a rectified image, in pixels; ``k`` of ``CameraInfo`` is ``[fx, 0, cx, 0, fy, cy, 0, 0, 1]``.

    Raises:
        ValueError: If one is not finite, or focal length or size is not more than 0.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def __post_init__(self) -> None:
        positive = (self.fx, self.fy, self.width, self.height)
        if not np.isfinite((*positive, self.cx, self.cy)).all() or min(positive) <= 0:
            raise ValueError(f'a camera has finite numbers, and fx, fy, width and height of more than 0, not {self}')

    @classmethod
    def from_matrix(cls, matrix: np.ndarray, width: int, height: int) -> 'PinholeCamera':
        """Read a calibration matrix (3, 3), or its nine numbers row by row.

        Warns:
            GraspInputWarning: If its principal point is far from the middle of the image, as that of another size is.

        Raises:
            ValueError: If it is not one of a pinhole camera without skew, or the image has no pixels.
        """
        k = np.asarray(matrix, dtype=np.float64).reshape(-1)
        if k.size != 9 or not np.isfinite(k).all() or k[1] or k[3] or k[6] or k[7] or k[8] != 1 or min(k[0], k[4]) <= 0:
            raise ValueError(f'a camera matrix is [fx, 0, cx, 0, fy, cy, 0, 0, 1] with fx, fy > 0, not {k.tolist()}')
        camera = cls(fx=k[0], fy=k[4], cx=k[2], cy=k[5], width=width, height=height)
        if not (0.25 < k[2] / width < 0.75 and 0.25 < k[5] / height < 0.75):
            warn(
                f'the optical axis meets the image of {width} x {height} at ({k[2]:g}, {k[5]:g}), far from its middle: '
                'are these the intrinsics of another resolution?',
                above=2,
            )
        return camera

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Directions (..., 3) of the rays through pixels (..., 2), in the optical frame, with z = 1."""
        x = (pixels[..., 0] - self.cx) / self.fx
        y = (pixels[..., 1] - self.cy) / self.fy
        return np.stack([x, y, np.ones_like(x)], -1)

    def deproject(self, pixels: np.ndarray, z: float) -> np.ndarray:
        """Points (..., 3) in the optical frame, in metres, of pixels (..., 2) at depth ``z``."""
        return z * self.rays(pixels)


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
    if measured.any() and (middle := np.median(metres[measured])) > _FARTHEST:
        raise ValueError(f'half of the depth is beyond {middle:g} m: float depth must be in metres, not millimetres')
    return np.where(measured, metres, np.nan)


def check_rigid(matrix: np.ndarray) -> np.ndarray:
    """A transform (4, 4) as float64.

    Raises:
        ValueError: If it does more than turn and shift.
    """
    matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        problem = 'not four rows of four finite numbers'
    elif not np.allclose(matrix[3], [0, 0, 0, 1]):
        turned = np.allclose(matrix[:, 3], [0, 0, 0, 1])
        problem = 'transposed: the shift is its last column' if turned else 'wrong in its last row, 0 0 0 1'
    else:
        turn = matrix[:3, :3]
        if np.allclose(turn @ turn.T, np.eye(3), atol=1e-4) and np.linalg.det(turn) > 0:
            return matrix
        problem = f'no rotation in its first three columns (determinant {np.linalg.det(turn):.4g})'
    raise ValueError(
        f'a hand-eye matrix is (4, 4), a rotation and a shift in metres; this one is {problem}: {matrix.tolist()}'
    )


def check_hand_eye(matrix: np.ndarray) -> np.ndarray:
    """A hand-eye matrix (4, 4) as float64.

    Warns:
        GraspInputWarning: If it shifts farther than arms reach.

    Raises:
        ValueError: If it is not rigid, or its shift is in millimetres.
    """
    matrix = check_rigid(matrix)
    distance = np.linalg.norm(matrix[:3, 3])
    if distance > _FARTHEST:
        raise ValueError(f'camera_to_base shifts by {distance:g} m: the shift must be in metres, not millimetres')
    if distance > _REACHABLE:
        warn(f'camera_to_base shifts by {distance:g} m, farther than arms reach: is it in metres?')
    return matrix


def check_limits(min_score: float, max_opening: float | None, reach: float) -> None:
    """Check what :func:`mmvg.apis.grasp_poses` takes as limits of a gripper.

    Raises:
        ValueError: If ``min_score`` is not in [0, 1], a length is not finite or longer than any gripper, or the gripper
            does not open.
    """
    check_threshold(min_score, 'min_score')
    for name, metres in (('max_opening', max_opening), ('reach', reach)):
        if metres is not None and not abs(metres) <= _WIDEST:  # NaN neither
            raise ValueError(f'{name}={metres:g}: a length of the gripper in metres, not millimetres')
    if max_opening is not None and max_opening <= 0:
        raise ValueError(f'max_opening={max_opening:g}: a gripper opens by more than 0 m; None is for any')


def check_angles(grasps: np.ndarray) -> None:
    """Check that the angles of grasps (N, 5) are in radians.

    Raises:
        ValueError: If one is more than a full turn.
    """
    angles = np.abs(grasps[:, 4])
    if (angles > 2 * np.pi).any():  # False for NaN
        raise ValueError(
            f'a grasp is turned by {np.nanmax(angles):g}: angles are in radians, in (-pi/2, pi/2], not degrees'
        )


def warn_of_depth(metres: np.ndarray, depths: np.ndarray) -> None:
    """Warn if nothing was measured, or the grasps lie where none can be.

    Args:
        metres: (H, W), as :func:`read_depth` returns it.
        depths: (N,) metres, of the surfaces that grasps were found on.
    """
    if np.isnan(metres).all():
        warn('no pixel of the depth image was measured: covered, too near, or not the depth topic? There is no pose')
    elif len(depths) and depths.min() > _REACHABLE:
        warn(
            f'the nearest grasp is {depths.min():.1f} m from the camera, farther than arms reach: is the depth in '
            'another unit? Float is read as metres, uint16 as millimetres'
        )
    elif len(depths) and depths.max() < _NEAREST:
        warn(
            f'the farthest grasp is {1000 * depths.max():.2g} mm from the camera, nearer than depth cameras measure: '
            'is the depth in another unit? Float is read as metres, uint16 as millimetres'
        )


def warn(message: str, above: int = 3) -> None:
    """Warn with the line that is ``above`` so many calls: whoever called mmvg."""
    warnings.warn(message, GraspInputWarning, stacklevel=above + 1)
