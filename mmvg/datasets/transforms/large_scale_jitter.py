"""Show pictures nearer or farther than they are."""

from collections.abc import Sequence

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmdet.structures.mask import BitmapMasks

from mmvg.datasets.transforms.resize import resize_masks
from mmvg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LargeScaleJitter(BaseTransform):
    """Scale the image by chance, and cut a window out of it where it has become too large, as SeqTR and SimVG train.

    At scale 1 the longer side has ``size`` pixels. Beyond that, a window as large as the image at scale 1 is drawn
    until it covers each target far enough; what is asked for is lowered from try to try, and if it is hopeless, the
    image stays whole. Boxes and masks go with it. Stands before ``Resize``, which makes all sizes one.

    Args:
        size: Longer side at scale 1, in pixels.
        scales: Least and largest scale.
        coverages: Shares of the area of every box that a window has to cover, one after the other.
        min_coverage: If no window does, the best one is taken if it covers as much.
        num_windows: Windows that are drawn for each of ``coverages``.

    Raises:
        ValueError: If ``scales`` is no range above 0.

    Example:
        >>> results = LargeScaleJitter(size=320, scales=(0.5, 0.5))(dict(img=np.zeros((480, 640, 3), np.uint8)))
        >>> results['img'].shape
        (120, 160, 3)
    """

    def __init__(
        self,
        size: int = 640,
        scales: tuple[float, float] = (0.3, 1.4),
        coverages: Sequence[float] = (0.9, 0.8, 0.7, 0.6, 0.5),
        min_coverage: float = 0.3,
        num_windows: int = 100,
    ) -> None:
        if not 0 < scales[0] <= scales[1]:
            raise ValueError(f'LargeScaleJitter: scales must be a range above 0, not {scales}')
        self.size = size
        self.scales = tuple(scales)
        self.coverages = tuple(coverages)
        self.min_coverage = min_coverage
        self.num_windows = num_windows

    @cache_randomness
    def draw_scale(self) -> float:
        """Draw the scale."""
        return float(np.random.uniform(*self.scales))

    @cache_randomness
    def draw_corners(self, room: tuple[int, int]) -> np.ndarray:
        """Draw upper left corners (K, 2) of windows that can move ``room`` (x, y) pixels."""
        return np.random.randint(0, np.add(room, 1), size=(len(self.coverages) * self.num_windows, 2))

    def transform(self, results: dict) -> dict:
        """Move ``img`` and, where they have been loaded, ``gt_bboxes`` and ``gt_masks``."""
        height, width = results['img'].shape[:2]
        drawn = self.draw_scale()
        full, scaled = (
            tuple(max(1, round(side * by * self.size / max(height, width))) for side in (width, height))
            for by in (1.0, drawn)
        )
        factors = scaled[0] / width, scaled[1] / height
        boxes = (
            results['gt_bboxes'].tensor.numpy() * np.tile(factors, 2) if 'gt_bboxes' in results else np.zeros((0, 4))
        )
        corner = (0, 0)
        if drawn > 1:
            corner = self._choose_window(boxes, full, (scaled[0] - full[0], scaled[1] - full[1]))
            if corner is None:
                return results
        return resize_and_cut(results, scaled, corner, full if drawn > 1 else scaled)

    def _choose_window(
        self, boxes: np.ndarray, window: tuple[int, int], room: tuple[int, int]
    ) -> tuple[int, int] | None:
        """Choose the corner (x, y) of a window for ``boxes`` (N, 4); None if none is good enough."""
        corners = self.draw_corners(room)
        covered = least_coverage(boxes, corners, window)
        for first, asked in zip(range(0, len(corners), self.num_windows), self.coverages, strict=True):
            good = np.flatnonzero(covered[first : first + self.num_windows] >= asked)
            if len(good):
                return tuple(corners[first + good[0]].tolist())
        best = covered.argmax()
        return tuple(corners[best].tolist()) if covered[best] >= self.min_coverage else None

    def __repr__(self) -> str:
        return f'LargeScaleJitter(size={self.size}, scales={self.scales})'


def resize_and_cut(results: dict, scaled: tuple[int, int], corner: tuple[int, int], window: tuple[int, int]) -> dict:
    """Resize ``img``, then cut a window out of it; boxes, masks and ``homography_matrix`` go with it.

    Args:
        results: A sample; ``gt_bboxes`` and ``gt_masks`` where they have been loaded.
        scaled: Width and height to resize to.
        corner: Upper left corner (x, y) of the window, in pixels of the resized image.
        window: Its width and height.
    """
    height, width = results['img'].shape[:2]
    factors = scaled[0] / width, scaled[1] / height
    inside = np.s_[corner[1] : corner[1] + window[1], corner[0] : corner[0] + window[0]]
    results['img'] = mmcv.imresize(results['img'], scaled)[inside]
    results['img_shape'] = results['img'].shape[:2]
    if 'gt_bboxes' in results:
        results['gt_bboxes'].rescale_(factors)
        results['gt_bboxes'].translate_((-corner[0], -corner[1]))
        results['gt_bboxes'].clip_(results['img_shape'])
    if 'gt_masks' in results:
        masks = resize_masks(results['gt_masks'].masks, scaled)[(slice(None), *inside)]
        results['gt_masks'] = BitmapMasks(np.ascontiguousarray(masks), *results['img_shape'])
    matrix = np.array([[factors[0], 0, -corner[0]], [0, factors[1], -corner[1]], [0, 0, 1]], np.float32)
    earlier = results.get('homography_matrix')
    results['homography_matrix'] = matrix if earlier is None else matrix @ earlier
    return results


def least_coverage(boxes: np.ndarray, corners: np.ndarray, window: tuple[int, int]) -> np.ndarray:
    """Compute the share of its area that the least covered of ``boxes`` has in each window.

    Args:
        boxes: (N, 4) xyxy in pixels.
        corners: (K, 2), upper left corners of the windows.
        window: Width and height of all windows.

    Returns:
        (K,) in [0, 1]; 1 without boxes.

    Example:
        >>> boxes = np.array([[0.0, 0, 4, 4], [4, 0, 8, 4]])
        >>> least_coverage(boxes, np.array([[0, 0], [1, 0]]), (8, 8)).tolist()
        [1.0, 0.75]
    """
    upper = np.maximum(boxes[None, :, :2], corners[:, None])
    lower = np.minimum(boxes[None, :, 2:], corners[:, None] + window)
    areas = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(-1), 1e-6)
    return ((lower - upper).clip(0).prod(-1) / areas).min(axis=1, initial=1.0)
