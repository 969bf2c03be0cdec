"""Noise and holes of a depth camera."""

import cv2
import numpy as np

_NOISE = 0.0012  # metres at a distance of one metre; grows with its square
_STEP = 0.001  # metres; depth comes in whole millimetres
_EDGE_HOLES = 0.35  # share of the pixels along an edge of depth without a value
_EDGE = 0.012  # metres; a larger step between neighbours is such an edge
_SPOTS = 3.0  # holes on shining objects, per picture


def add_sensor_noise(depth: np.ndarray, instances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Depth (H, W) float32 in metres as a stereo camera measures it; 0 is a hole.

    The noise grows with the square of the distance and is alike in neighbouring pixels, as in the RealSense D400
    series; values are whole millimetres. Pixels are missing along edges, where one of both eyes sees something else,
    and in spots on objects that shine.

    Args:
        depth: (H, W) float32, exact, in metres.
        instances: (H, W), 0 where there is no object.
        rng: Source of the noise.

    Example:
        >>> flat = np.full((40, 60), 0.6, np.float32)
        >>> noisy = add_sensor_noise(flat, np.zeros((40, 60), int), np.random.default_rng(0))
        >>> noisy.dtype, round(float(noisy[20, 30]), 4)
        (dtype('float32'), 0.601)
    """
    rough = cv2.GaussianBlur(rng.normal(size=depth.shape).astype(np.float32), (0, 0), 1.2)
    noisy = depth + _NOISE * depth**2 * rough / rough.std()
    noisy = np.round(noisy / _STEP) * _STEP
    steps = cv2.dilate(depth, np.ones((3, 3))) - cv2.erode(depth, np.ones((3, 3)))
    holes = (steps > _EDGE) & (rng.random(depth.shape) < _EDGE_HOLES)
    on_objects = np.argwhere(instances > 0)
    spots = np.zeros(depth.shape, np.uint8)
    for _ in range(rng.poisson(_SPOTS) if len(on_objects) else 0):
        y, x = on_objects[rng.integers(len(on_objects))].tolist()
        axes = tuple(rng.integers(1, max(depth.shape[0] // 60, 2) + 1, 2).tolist())
        cv2.ellipse(spots, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    noisy[holes | (spots > 0)] = 0
    return noisy.astype(np.float32)
