"""Conversions between box formats, named after both ends; they work on (..., 4) tensors and arrays alike."""

import numpy as np
import torch
from torch import Tensor


def _stack(parts: list) -> Tensor | np.ndarray:
    return torch.stack(parts, -1) if isinstance(parts[0], Tensor) else np.stack(parts, -1)


def cxcywh_to_xyxy(boxes: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Centre and size (..., 4) to corners (..., 4)."""
    cx, cy, w, h = (boxes[..., i] for i in range(4))
    return _stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])


def xyxy_to_cxcywh(boxes: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Corners (..., 4) to centre and size (..., 4)."""
    x1, y1, x2, y2 = (boxes[..., i] for i in range(4))
    return _stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])


def xywh_to_xyxy(boxes: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Top-left corner and size (..., 4), as COCO writes them, to corners (..., 4); the right edge is x + w."""
    x, y, w, h = (boxes[..., i] for i in range(4))
    return _stack([x, y, x + w, y + h])


def xyxy_to_xywh(boxes: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Corners (..., 4) to top-left corner and size (..., 4)."""
    x1, y1, x2, y2 = (boxes[..., i] for i in range(4))
    return _stack([x1, y1, x2 - x1, y2 - y1])
