"""Convert boxes between formats; functions are named after both ends and take (..., 4) tensors and arrays alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmvg.structures.array_library import array_library

if TYPE_CHECKING:
    from torch import Tensor


def _stack(parts: list) -> Tensor | np.ndarray:
    """Stack the columns of boxes."""
    return array_library(parts[0]).stack(parts, -1)


def cxcywh_to_xyxy(boxes: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Convert centre and size (..., 4) to corners (..., 4).

    Example:
        >>> cxcywh_to_xyxy(np.array([5, 5, 4, 2]))
        array([3., 4., 7., 6.])
    """
    cx, cy, w, h = (boxes[..., i] for i in range(4))
    return _stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])


def xyxy_to_cxcywh(boxes: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Convert corners (..., 4) to centre and size (..., 4).

    Example:
        >>> xyxy_to_cxcywh(np.array([3, 4, 7, 6]))
        array([5., 5., 4., 2.])
    """
    x1, y1, x2, y2 = (boxes[..., i] for i in range(4))
    return _stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])


def xywh_to_xyxy(boxes: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Convert top-left corner and size (..., 4), as COCO writes them, to corners (..., 4); the right edge is x + w.

    Example:
        >>> import torch
        >>> xywh_to_xyxy(torch.tensor([3, 4, 4, 2]))
        tensor([3, 4, 7, 6])
    """
    x, y, w, h = (boxes[..., i] for i in range(4))
    return _stack([x, y, x + w, y + h])


def xyxy_to_xywh(boxes: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Convert corners (..., 4) to top-left corner and size (..., 4).

    Example:
        >>> import torch
        >>> xyxy_to_xywh(torch.tensor([3, 4, 7, 6]))
        tensor([3, 4, 4, 2])
    """
    x1, y1, x2, y2 = (boxes[..., i] for i in range(4))
    return _stack([x1, y1, x2 - x1, y2 - y1])
