"""Scale an image without distortion and pad it."""

from collections.abc import Sequence

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.structures.mask import BitmapMasks

from mmvg.datasets.transforms.resize import resize_masks
from mmvg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class Letterbox(BaseTransform):
    """Scale the image to fit into a canvas and put it in the middle; boxes and masks go with it.

    The scale is min(S_w / W, S_h / H) with the scaled sides and the offsets rounded to whole pixels, so that the way
    back (:mod:`mmvg.structures.frames`) cuts out exactly the pixels of the image. Masks are resized by
    :func:`resize_masks` and are 0 in the border. Adds ``scale_factor`` (x, y), ``homography_matrix`` (3, 3) from
    original to input pixels, ``padding`` (left, top, right, bottom) and ``pad_shape`` (H, W).

    Args:
        size: Side of a square canvas, or its (width, height).
        interpolation: How mmcv scales the image: ``'bilinear'``, ``'bicubic'``, ``'area'``, ``'lanczos'`` or
            ``'nearest'``.
        pad_value: Colour of the border, 0-255, one value or BGR; the mean that is subtracted later makes it 0.

    Example:
        >>> results = Letterbox(size=64)(dict(img=np.zeros((480, 640, 3), np.uint8)))
        >>> results['img'].shape, results['scale_factor'], results['padding']
        ((64, 64, 3), (0.1, 0.1), (0, 8, 0, 8))
    """

    def __init__(
        self,
        size: int | tuple[int, int],
        interpolation: str = 'bilinear',
        pad_value: float | Sequence[float] = 0,
    ) -> None:
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        if len(self.size) != 2 or min(self.size) < 1:
            raise ValueError(f'Letterbox: size must be a positive int or (width, height), not {size!r}')
        self.interpolation = interpolation
        self.pad_value = pad_value

    def transform(self, results: dict) -> dict:
        """Move ``img`` and, where they have been loaded, ``gt_bboxes`` and ``gt_masks`` to the canvas."""
        canvas_width, canvas_height = self.size
        height, width = results['img'].shape[:2]
        scale = min(canvas_width / width, canvas_height / height)
        inner_width, inner_height = max(1, round(width * scale)), max(1, round(height * scale))
        left, top = (canvas_width - inner_width) // 2, (canvas_height - inner_height) // 2
        window = np.s_[top : top + inner_height, left : left + inner_width]

        canvas = np.empty((canvas_height, canvas_width, results['img'].shape[2]), dtype=results['img'].dtype)
        canvas[:] = np.round(self.pad_value)
        canvas[window] = mmcv.imresize(results['img'], (inner_width, inner_height), interpolation=self.interpolation)
        results['img'] = canvas
        results['img_shape'] = results['pad_shape'] = canvas.shape[:2]
        results['padding'] = (left, top, canvas_width - inner_width - left, canvas_height - inner_height - top)
        results['scale_factor'] = (inner_width / width, inner_height / height)

        if 'gt_bboxes' in results:
            results['gt_bboxes'].clip_((height, width))
            results['gt_bboxes'].rescale_(results['scale_factor'])
            results['gt_bboxes'].translate_((left, top))
        if 'gt_masks' in results:
            masks = np.zeros((len(results['gt_masks']), canvas_height, canvas_width), dtype=np.uint8)
            masks[(slice(None), *window)] = resize_masks(results['gt_masks'].masks, (inner_width, inner_height))
            results['gt_masks'] = BitmapMasks(masks, canvas_height, canvas_width)

        sx, sy = results['scale_factor']
        matrix = np.array([[sx, 0, left], [0, sy, top], [0, 0, 1]], dtype=np.float32)
        earlier = results.get('homography_matrix')
        results['homography_matrix'] = matrix if earlier is None else matrix @ earlier
        return results

    def __repr__(self) -> str:
        return f'Letterbox(size={self.size}, interpolation={self.interpolation!r}, pad_value={self.pad_value})'
