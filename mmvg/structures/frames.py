"""Map predictions from input pixels back to original pixels.

Every transform of mmvg that moves pixels records itself in ``homography_matrix`` (3, 3), original to input, as mmdet's
do. At test time that matrix is a scale and a shift (plain resize or letterbox), which is all that is undone here.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def common_spans(start: int, stop: int, before: int, after: int) -> tuple[slice, slice]:
    """Widen a span of pixels so that its ends stay borders of pixels when a side is resized.

    Args:
        start: First pixel.
        stop: Behind the last one.
        before: Pixels of the side.
        after: Pixels of the resized side.

    Returns:
        The span before and after. What is resized alone is what it would be as a part of the whole, but for what comes
        in from beyond its ends.

    Example:
        >>> common_spans(100, 200, before=480, after=320)  # three pixels become two
        (slice(99, 201, None), slice(66, 134, None))
    """
    common = math.gcd(before, after)
    unit, resized = before // common, after // common
    first, last = start // unit, -(-stop // unit)
    return slice(first * unit, last * unit), slice(first * resized, last * resized)


def _scale_and_shift(meta: dict) -> tuple[float, float, float, float]:
    """Return ``(sx, sy, tx, ty)`` of the map original -> input.

    Raises:
        ValueError: If the image was flipped, rotated or sheared on its way in.
    """
    matrix = meta.get('homography_matrix')
    matrix = np.eye(3) if matrix is None else np.asarray(matrix, dtype=np.float64)
    if matrix[0, 1] or matrix[1, 0] or matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
        raise ValueError(
            f'{meta.get("img_path", "this sample")}: predictions can be mapped back only from a resized or padded '
            f'image, but homography_matrix is {matrix.tolist()}; take flips and rotations out of the test pipeline'
        )
    return matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]


def input_to_original_points(points: Tensor, meta: dict) -> Tensor:
    """Map points (..., 2), x and y, from input to original pixels.

    Args:
        points: In input pixels.
        meta: Metainfo with ``homography_matrix``; without one the frames are the same.

    Raises:
        ValueError: If the image was flipped, rotated or sheared on its way in.

    Example:
        >>> meta = dict(homography_matrix=[[0.5, 0, 0], [0, 0.5, 16], [0, 0, 1]])  # half the size, 16 pixels of border
        >>> input_to_original_points(torch.tensor([[10.0, 26.0]]), meta)
        tensor([[20., 20.]])
    """
    sx, sy, tx, ty = _scale_and_shift(meta)
    return (points - points.new_tensor([tx, ty])) / points.new_tensor([sx, sy])


def input_to_original_boxes(boxes: Tensor, meta: dict) -> Tensor:
    """Map boxes (..., 4) xyxy from input to original pixels, and clip them to the original image.

    Args:
        boxes: In input pixels.
        meta: Metainfo with ``ori_shape`` (H0, W0) and ``homography_matrix``.

    Raises:
        ValueError: If the image was flipped, rotated or sheared on its way in.

    Example:
        >>> meta = dict(ori_shape=(64, 128), homography_matrix=[[0.5, 0, 0], [0, 0.5, 16], [0, 0, 1]])
        >>> input_to_original_boxes(torch.tensor([[10.0, 0.0, 20.0, 26.0]]), meta)
        tensor([[20.,  0., 40., 20.]])
    """
    points = input_to_original_points(boxes.reshape(*boxes.shape[:-1], 2, 2), meta)
    height, width = meta['ori_shape'][:2]
    x = points[..., 0].clamp(0, width)
    y = points[..., 1].clamp(0, height)
    return torch.stack([x, y], -1).flatten(-2)


def image_window(meta: dict, size: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns of the input that the image takes; the rest is padding.

    Args:
        meta: Metainfo with ``ori_shape`` (H0, W0) and ``homography_matrix``.
        size: Height and width of masks in the input.

    Raises:
        ValueError: If the masks are smaller than the image in the input frame, such as maps at a stride, or the image
            was flipped, rotated, sheared or cropped on its way in.

    Example:
        >>> meta = dict(ori_shape=(64, 128), homography_matrix=[[0.5, 0, 0], [0, 0.5, 16], [0, 0, 1]])
        >>> image_window(meta, (64, 64))
        (slice(16, 48, None), slice(0, 64, None))
    """
    sx, sy, tx, ty = _scale_and_shift(meta)
    height, width = meta['ori_shape'][:2]
    left, top = round(tx), round(ty)
    right, bottom = left + max(1, round(sx * width)), top + max(1, round(sy * height))
    if min(left, top) < 0:
        raise ValueError(
            f'{meta.get("img_path", "this sample")}: the image begins at ({top}, {left}) (row, column) of the input, '
            'so that a part of it is missing; take crops out of the test pipeline'
        )
    if size[0] < bottom or size[1] < right:
        raise ValueError(
            f'masks are {size}, but the image reaches to ({bottom}, {right}) (height, width) in the '
            'input; scale masks up to the input size first'
        )
    return slice(top, bottom), slice(left, right)


def input_to_original_masks(masks: Tensor, meta: dict, mode: str = 'nearest-exact') -> Tensor:
    """Map masks (N, H, W) from input to original pixels (N, H0, W0); padding is cut away first.

    Args:
        masks: Bool masks for ``mode='nearest-exact'``, or float maps for ``'bilinear'`` and ``'bicubic'``.
        meta: Metainfo with ``ori_shape`` (H0, W0) and ``homography_matrix``.
        mode: Interpolation of :func:`torch.nn.functional.interpolate`.

    Raises:
        ValueError: If the masks are smaller than the image in the input frame, such as maps at a stride, or the image
            was flipped, rotated or sheared on its way in.

    Example:
        >>> meta = dict(ori_shape=(64, 128), homography_matrix=[[0.5, 0, 0], [0, 0.5, 16], [0, 0, 1]])
        >>> input_to_original_masks(torch.ones(1, 64, 64, dtype=torch.bool), meta).shape
        torch.Size([1, 64, 128])
    """
    height, width = meta['ori_shape'][:2]
    rows, columns = image_window(meta, tuple(masks.shape[1:]))
    masks = masks[:, rows, columns]
    if masks.shape[0] == 0:
        return masks.new_zeros((0, height, width))
    if masks.shape[1:] == (height, width):
        return masks
    dtype = masks.dtype
    align = False if mode in ('bilinear', 'bicubic') else None
    as_float = masks[None] if masks.is_floating_point() else masks[None].to(torch.uint8)
    return F.interpolate(as_float, size=(height, width), mode=mode, align_corners=align)[0].to(dtype)
