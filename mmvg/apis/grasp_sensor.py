"""Messages of a camera as arrays: ``sensor_msgs`` of rclpy, of a bag, or whatever else has their fields."""

from typing import Any

import cv2
import numpy as np

from mmvg.apis.grasp_input import PinholeCamera
from mmvg.pictures import decode_picture

#: Encoding -> type of a number, how many a pixel has, and where blue, green and red are among them.
_COLOURS = {
    'bgr8': ('u1', 3, [0, 1, 2]),
    '8UC3': ('u1', 3, [0, 1, 2]),
    'rgb8': ('u1', 3, [2, 1, 0]),
    'bgra8': ('u1', 4, [0, 1, 2]),
    '8UC4': ('u1', 4, [0, 1, 2]),
    'rgba8': ('u1', 4, [2, 1, 0]),
    'mono8': ('u1', 1, [0, 0, 0]),
    '8UC1': ('u1', 1, [0, 0, 0]),
}
_DEPTHS = {'16UC1': ('u2', 1), 'mono16': ('u2', 1), '32FC1': ('f4', 1)}
_COMPRESSED_DEPTH_HEADER = 12  # bytes of image_transport's compressedDepth: a number, and a and b of 1 / depth


def stamp_of(message: Any) -> tuple[int, int]:
    """Seconds and nanoseconds of the header."""
    return int(message.header.stamp.sec), int(message.header.stamp.nanosec)


def seconds_of(message: Any) -> float:
    """The time of the header in seconds."""
    sec, nanosec = stamp_of(message)
    return sec + 1e-9 * nanosec


def colour_image(message: Any) -> np.ndarray:
    """Read ``sensor_msgs/Image`` or ``CompressedImage`` as (H, W, 3) uint8 BGR.

    Raises:
        ValueError: If the encoding is none of a colour or grey image with 8 bits, or the data are cut off.
    """
    if not hasattr(message, 'encoding'):
        return decode_picture(bytes(message.data), f'the compressed image ({message.format})')
    kind = _COLOURS.get(message.encoding)
    if kind is None:
        raise ValueError(
            f'the image is encoded as {message.encoding!r}; what can be read is {", ".join(_COLOURS)}: image_proc '
            'turns a raw Bayer image into one'
        )
    dtype, channels, order = kind
    return np.ascontiguousarray(_pixels(message, dtype, channels)[..., order])


def depth_image(message: Any) -> np.ndarray:
    """Read ``sensor_msgs/Image`` or ``CompressedImage`` as (H, W): uint16 in millimetres or float32 in metres.

    Raises:
        ValueError: If the encoding is none of depth, or the data are cut off.
    """
    if not hasattr(message, 'encoding'):
        return _decompressed_depth(message)
    if message.encoding not in _DEPTHS:
        raise ValueError(
            f'the depth is encoded as {message.encoding!r}; 16UC1 in millimetres and 32FC1 in metres can be read: is '
            'this a depth topic?'
        )
    return _pixels(message, *_DEPTHS[message.encoding])[..., 0]


def pinhole_camera(message: Any, rectified: bool = False) -> PinholeCamera:
    """Read ``sensor_msgs/CameraInfo``.

    Args:
        message: Of the image that is asked about.
        rectified: The image was rectified, by image_proc for instance, so ``p`` holds; otherwise ``k`` does, and the
            lens may not bend the image by more than a pixel.

    Raises:
        ValueError: If it is not calibrated or malformed, of a part of the sensor, or bends the image.
    """
    width, height = int(message.width), int(message.height)
    if message.binning_x > 1 or message.binning_y > 1 or message.roi.width or message.roi.height:
        raise ValueError('camera_info is of a part of the sensor (binning or roi): use the whole image')
    k = np.array(message.k, dtype=np.float64)
    if not k[0]:
        raise ValueError('camera_info has no calibration: its k is 0')
    if rectified:
        p = np.array(message.p, dtype=np.float64).reshape(3, 4)
        return PinholeCamera.from_matrix(p[:, :3] if p[0, 0] else k, width, height)
    camera = PinholeCamera.from_matrix(k, width, height)
    if (bend := _bend(np.array(message.d, dtype=np.float64), message.distortion_model, camera)) > 1:
        raise ValueError(
            f'the lens bends the image by {bend:.1f} pixels at its edge: ask about the rectified image (image_proc) '
            'and set rectified'
        )
    return camera


def _bend(coefficients: np.ndarray, model: str, camera: PinholeCamera) -> float:
    """Pixels by which the lens moves the corners of the image and the middles of its sides, at most."""
    if not coefficients.any():
        return 0.0
    if model not in ('plumb_bob', 'rational_polynomial'):
        return np.inf
    if coefficients.size not in (4, 5, 8, 12, 14):  # what OpenCV takes
        raise ValueError(f'camera_info: d of {model} has {coefficients.size} numbers; 4, 5, 8, 12 or 14 are read')
    columns, rows = np.meshgrid([0, camera.width / 2, camera.width - 1], [0, camera.height / 2, camera.height - 1])
    points = np.stack([columns, rows], -1).reshape(-1, 1, 2)
    matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    straight = cv2.undistortPoints(points, matrix, coefficients, P=matrix)
    return float(np.linalg.norm(straight - points, axis=-1).max())


def _pixels(message: Any, dtype: str, channels: int) -> np.ndarray:
    """The numbers (H, W, channels) of an image, whose rows may be longer than its pixels."""
    kind = np.dtype(dtype).newbyteorder('>' if message.is_bigendian else '<')
    height, width = int(message.height), int(message.width)
    used = width * channels * kind.itemsize
    step = int(message.step) or used
    data = np.frombuffer(message.data, np.uint8)
    if not used or step < used or len(data) < step * height:
        raise ValueError(
            f'the image is {width} x {height} ({message.encoding}, {step} bytes a row), but has {len(data)} bytes'
        )
    rows = data[: step * height].reshape(height, step)[:, :used]
    return np.ascontiguousarray(rows).view(kind).astype(kind.newbyteorder('=')).reshape(height, width, channels)


def _decompressed_depth(message: Any) -> np.ndarray:
    """Depth as image_transport's plain PNG or its compressedDepth hold it."""
    data = bytes(message.data)
    inverse = 'compressedDepth' in message.format and message.format.startswith('32FC1')
    if 'compressedDepth' in message.format:
        header, data = data[:_COMPRESSED_DEPTH_HEADER], data[_COMPRESSED_DEPTH_HEADER:]
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if values is None or values.dtype != np.uint16 or values.ndim != 2:
        raise ValueError(f'the compressed depth ({message.format}) is no PNG of 16 bits')
    if not inverse:
        return values
    a, b = np.frombuffer(header, '<f4', 2, offset=4)
    with np.errstate(divide='ignore'):
        return np.where(values > 0, a / (values - b), np.nan).astype(np.float32)
