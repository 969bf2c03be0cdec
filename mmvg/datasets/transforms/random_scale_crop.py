"""Show a part of a picture by chance, and show it coarser."""

import re
from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmvg.datasets.transforms.large_scale_jitter import resize_and_cut
from mmvg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomScaleCrop(BaseTransform):
    """Cut a window out of the image by chance, then resize its longer side to one of several sizes (TransVG, EEVG).

    Nothing is cut where the sentence says where in the picture something is. Otherwise, the shorter side gets one of
    ``short_sides``, and windows are drawn until one holds the centre of each target; without any, the image stays
    whole. Boxes and masks go with it. Stands before ``Resize``, which makes all sizes one, so that what the last step
    changes is how fine the image is.

    Args:
        size: Largest size of the longer side in the end, in pixels.
        step: By how much each further size is smaller.
        num_sizes: How many sizes there are.
        crop_prob: Probability that a window is cut.
        short_sides: Shorter sides of the image that windows are cut from.
        windows: Least and largest side of a window; it is never larger than the image.
        words: Which words forbid to cut.
        num_tries: Windows that are drawn.

    Example:
        >>> results = RandomScaleCrop(size=320, num_sizes=1, crop_prob=0.0)(dict(img=np.zeros((480, 640, 3), np.uint8)))
        >>> results['img'].shape
        (240, 320, 3)
    """

    def __init__(
        self,
        size: int = 448,
        step: int = 32,
        num_sizes: int = 7,
        crop_prob: float = 0.5,
        short_sides: Sequence[int] = (400, 500, 600),
        windows: tuple[int, int] = (384, 600),
        words: Sequence[str] = ('left', 'right', 'top', 'bottom', 'middle'),
        num_tries: int = 20,
    ) -> None:
        self.sizes = [size - step * i for i in range(num_sizes)]
        if self.sizes[-1] < 1:
            raise ValueError(f'RandomScaleCrop: {num_sizes} sizes in steps of {step} from {size} on go below 1')
        self.crop_prob = crop_prob
        self.short_sides = tuple(short_sides)
        self.windows = tuple(windows)
        self.forbidding = re.compile('|'.join(map(re.escape, words)), re.IGNORECASE) if words else None
        self.num_tries = num_tries

    @cache_randomness
    def draw(self) -> tuple[bool, int, int]:
        """Draw whether to cut, the shorter side before that, and the longer side in the end."""
        cut = np.random.random() < self.crop_prob
        return cut, int(np.random.choice(self.short_sides)), int(np.random.choice(self.sizes))

    @cache_randomness
    def draw_windows(self, image: tuple[int, int]) -> np.ndarray:
        """Draw windows (K, 4), xyxy, in an ``image`` of a width and height."""
        least, largest = (np.minimum(side, image) for side in self.windows)
        sides = np.random.randint(least, largest + 1, size=(self.num_tries, 2))
        corners = np.floor(np.random.random(sides.shape) * (np.array(image) - sides + 1)).astype(int)
        return np.concatenate([corners, corners + sides], axis=1)

    def transform(self, results: dict) -> dict:
        """Move ``img`` and, where they have been loaded, ``gt_bboxes`` and ``gt_masks``."""
        cut, short, long = self.draw()
        if cut and not (self.forbidding and self.forbidding.search(results.get('text', ''))):
            self._cut(results, short)
        height, width = results['img'].shape[:2]
        scaled = tuple(max(1, round(side * long / max(height, width))) for side in (width, height))
        return resize_and_cut(results, scaled, (0, 0), scaled)

    def _cut(self, results: dict, short: int) -> None:
        height, width = results['img'].shape[:2]
        factor = short / min(height, width)
        scaled = round(width * factor), round(height * factor)
        centres = np.zeros((0, 2))
        if 'gt_bboxes' in results:
            boxes = results['gt_bboxes'].tensor.numpy()
            centres = (boxes[:, :2] + boxes[:, 2:]) / 2 * np.divide(scaled, (width, height))
        windows = self.draw_windows(scaled)
        corners, ends = windows[:, None, :2], windows[:, None, 2:]
        good = np.flatnonzero(((corners <= centres) & (centres < ends)).all((1, 2)))
        if len(good):
            x0, y0, x1, y1 = windows[good[0]].tolist()
            resize_and_cut(results, scaled, (x0, y0), (x1 - x0, y1 - y0))

    def __repr__(self) -> str:
        return f'RandomScaleCrop(sizes={self.sizes}, crop_prob={self.crop_prob})'
