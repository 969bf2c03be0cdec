"""Masks from logits on a CPU, computed only where there can be any: around the cells that come near the threshold."""

import functools
import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmvg.structures import common_spans

#: Logits so far below the threshold do not reach it by rounding.
_MARGIN = 0.01
#: Where all pixels around one are as probable as the threshold, it is so far above it by rounding, as a share.
_ROUNDING = 3e-7


def masks_nearby(
    logits: Tensor,
    size: tuple[int, int],
    mask_thr: float,
    align_corners: bool,
    window: tuple[slice, slice] = (slice(None), slice(None)),
    frame_size: tuple[int, int] | None = None,
) -> Tensor:
    """Enlarge logits to the input, make them probabilities, enlarge these to the frame, and compare them there.

    Both ways are bilinear, so that a pixel lies between those around it: where no logit nearby is above the threshold,
    the mask is empty without being computed. What is computed differs from :func:`torch.nn.functional.interpolate` by
    rounding, which pixels within 1e-5 of the threshold can feel.

    Args:
        logits: (N, h, w) float32 on the CPU, all finite.
        size: Height and width of the input.
        mask_thr: A pixel whose probability is more than this belongs to a mask.
        align_corners: On the way to the input; never on that to the frame.
        window: Rows and columns of the input that the picture takes.
        frame_size: Height and width of the answer; by default those of the window.

    Returns:
        Bool (N, H, W).

    Example:
        >>> logits = torch.tensor([[[-9.0, -9, -9, -9], [-9, -9, 9, -9]]])
        >>> masks_nearby(logits, (4, 8), 0.5, align_corners=False)[0].int()
        tensor([[0, 0, 0, 0, 0, 0, 0, 0],
                [0, 0, 0, 0, 0, 0, 0, 0],
                [0, 0, 0, 0, 1, 1, 0, 0],
                [0, 0, 0, 0, 1, 1, 0, 0]], dtype=torch.int32)
    """
    cut = np.float32(_logit(mask_thr))
    near = (logits.numpy() > cut - _MARGIN).view(np.uint8)
    sides = [Side.of(cells, pixels, align_corners) for cells, pixels in zip(near.shape[1:], size, strict=True)]
    shown = tuple(part.indices(pixels)[:2] for part, pixels in zip(window, size, strict=True))
    shown_size = tuple(stop - start for start, stop in shown)
    frame_size = frame_size or shown_size
    masks = torch.zeros((len(near), *frame_size), dtype=torch.bool)
    prob = None if frame_size == shown_size else np.zeros(size, np.float32)
    for mask, cells, used in zip(masks.numpy(), logits.numpy(), near, strict=True):
        x, y, w, h = cv2.boundingRect(used)
        if not w:
            continue
        spans = sides[0].pixels(y, y + h, *shown[0]), sides[1].pixels(x, x + w, *shown[1])
        enlarged = _enlarge(cells, sides, spans)
        if prob is None:
            rows, columns = (slice(a.start - first, a.stop - first) for a, (first, _) in zip(spans, shown, strict=True))
            np.greater(enlarged, cut, out=mask[rows, columns])
        else:
            prob[spans] = torch.from_numpy(enlarged).sigmoid_().numpy()
            _compare_in_frame(prob, spans, shown, mask, np.float32(mask_thr * (1 + _ROUNDING)))
            prob[spans] = 0
    return masks


def _enlarge(cells: np.ndarray, sides: Sequence['Side'], spans: Sequence[slice]) -> np.ndarray:
    """Interpolate a map (h, w) at some rows and columns of the input."""
    (down, across), (rows, columns) = sides, spans
    up = slice(down.first[rows.start], down.last[rows.stop - 1] + 1)
    wide = cells[up] @ across.weights[:, columns]  # a row has so few cells that zeros cost nothing
    enlarged = wide[down.first[rows] - up.start]
    enlarged *= down.of_first[rows]
    lower = wide[down.last[rows] - up.start]
    lower *= down.of_last[rows]
    enlarged += lower
    return enlarged


def _compare_in_frame(
    prob: np.ndarray,
    spans: Sequence[slice],
    shown: Sequence[tuple[int, int]],
    mask: np.ndarray,
    mask_thr: np.float32,
) -> None:
    """Resize probabilities of the input, which are above 0 in ``spans``, to the frame, and compare them there."""
    (rows, to_rows), (columns, to_columns) = (
        common_spans(span.start - first, span.stop - first, last - first, after)
        for span, (first, last), after in zip(spans, shown, mask.shape, strict=True)
    )
    part = prob[shown[0][0] : shown[0][1], shown[1][0] : shown[1][1]][rows, columns]
    target = mask[to_rows, to_columns]
    np.greater(cv2.resize(part, target.shape[::-1], interpolation=cv2.INTER_LINEAR), mask_thr, out=target)


class Side:
    """Linear interpolation along one side.

    Args:
        cells: Before it.
        pixels: After it.
        align_corners: As in :func:`torch.nn.functional.interpolate`.

    Attributes:
        weights: (cells, pixels), what each cell gives to each pixel.
        first: (pixels,) the first cell that gives anything to a pixel.
        last: (pixels,) the last one, the same or the next.
        of_first: (pixels, 1) what the first one gives.
        of_last: (pixels, 1) what the next one gives, 0 if there is none.
    """

    def __init__(self, cells: int, pixels: int, align_corners: bool) -> None:
        eye = torch.eye(cells)[None]
        given = F.interpolate(eye, size=pixels, mode='linear', align_corners=align_corners)[0].numpy()
        self.weights, each = given, np.arange(pixels)
        self.first, self.last = (given > 0).argmax(0), cells - 1 - (given > 0)[::-1].argmax(0)
        self.of_first = given[self.first, each][:, None]
        self.of_last = np.where(self.last > self.first, given[self.last, each], 0)[:, None]

    @classmethod
    @functools.lru_cache(maxsize=32)
    def of(cls, cells: int, pixels: int, align_corners: bool) -> 'Side':
        """Return the one that was made before, if there is one."""
        return cls(cells, pixels, align_corners)

    def pixels(self, start: int, stop: int, low: int, high: int) -> slice:
        """Find the pixels that get something from cells ``start`` to ``stop``, and one more on either side.

        Args:
            start: First cell.
            stop: Behind the last cell.
            low: First pixel that is wanted.
            high: Behind the last one; a pixel is left in any case.

        Example:
            >>> Side(4, 8, align_corners=False).pixels(2, 3, 0, 8)
            slice(2, 8, None)
        """
        begin = int(np.searchsorted(self.last, start)) - 1
        end = int(np.searchsorted(self.first, stop - 1, 'right')) + 1
        begin = min(max(begin, low), high - 1)
        return slice(begin, max(min(end, high), begin + 1))


def _logit(probability: float) -> float:
    if not 0 < probability < 1:
        return math.copysign(math.inf, probability - 0.5)
    return math.log(probability / (1 - probability))
