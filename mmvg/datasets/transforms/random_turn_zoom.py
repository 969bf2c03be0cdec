"""Turn and enlarge pictures whose sentences do not speak of directions."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmdet.structures.mask import BitmapMasks

from mmvg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomTurnZoom(BaseTransform):
    """Turn the image by a multiple of 90 degrees and enlarge its middle, as GR-ConvNet and LGD train.

    The size of the canvas stays. Boxes and masks go with it, and so do grasps, by way of ``homography_matrix`` (see
    :class:`PackGroundingInputs`). Stands before ``Letterbox``: enlarging changes how many pixels an opening has. Not
    for sentences that say left or above.

    Args:
        turn: Turn by 0, 90, 180 or 270 degrees, each equally likely.
        zoom: Least and largest share of the sides that is kept; 1 keeps everything.

    Example:
        >>> results = RandomTurnZoom(zoom=(0.5, 0.5))(dict(img=np.zeros((480, 640, 3), np.uint8)))
        >>> results['img'].shape, results['homography_matrix'].shape
        ((480, 640, 3), (3, 3))
    """

    def __init__(self, turn: bool = True, zoom: tuple[float, float] = (0.5, 1.0)) -> None:
        if not 0 < zoom[0] <= zoom[1] <= 1:
            raise ValueError(f'RandomTurnZoom: zoom must be a range within (0, 1], not {zoom}')
        self.turn = turn
        self.zoom = tuple(zoom)

    @cache_randomness
    def draw(self) -> tuple[int, float]:
        """Draw the quarter turns, counter-clockwise on screen, and the share of the sides that is kept."""
        return int(np.random.randint(4)) if self.turn else 0, float(np.random.uniform(*self.zoom))

    def transform(self, results: dict) -> dict:
        """Move ``img`` and, where they have been loaded, ``gt_bboxes`` and ``gt_masks``."""
        height, width = results['img'].shape[:2]
        matrix = turn_zoom_matrix(width, height, *self.draw())
        results['img'] = _warp(results['img'], matrix, cv2.INTER_LINEAR)
        if 'gt_masks' in results:
            shares = [_warp(mask * np.uint8(255), matrix, cv2.INTER_LINEAR) for mask in results['gt_masks'].masks]
            masks = [(share >= 128).astype(np.uint8) for share in shares]
            stacked = np.stack(masks) if masks else np.zeros((0, height, width), np.uint8)
            results['gt_masks'] = BitmapMasks(stacked, height, width)
        if 'gt_bboxes' in results:
            results['gt_bboxes'].project_(matrix.astype(np.float32))
            results['gt_bboxes'].clip_((height, width))
        earlier = results.get('homography_matrix')
        results['homography_matrix'] = (matrix if earlier is None else matrix @ earlier).astype(np.float32)
        return results

    def __repr__(self) -> str:
        return f'RandomTurnZoom(turn={self.turn}, zoom={self.zoom})'


def turn_zoom_matrix(width: int, height: int, quarters: int, share: float) -> np.ndarray:
    """Compute the map from pixels of the image to pixels of the result, both counted from the corner of the first one.

    Args:
        width: Of the image and of the result, in pixels.
        height: Of both, in pixels.
        quarters: Quarter turns, counter-clockwise on screen.
        share: Share of the sides that is kept.

    Returns:
        (3, 3), for columns (x, y, 1).

    Example:
        >>> turn_zoom_matrix(640, 480, quarters=0, share=0.5) @ (320, 240, 1)  # the middle stays
        array([320., 240.,   1.])
    """
    cos, sin = (1, 0, -1, 0)[quarters % 4] / share, (0, 1, 0, -1)[quarters % 4] / share
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])  # y points down
    to_middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    back = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]])
    return back @ turn @ to_middle


def _warp(image: np.ndarray, matrix: np.ndarray, interpolation: int) -> np.ndarray:
    """Warp an image within its canvas by a map between pixels counted from the corner of the first one."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # cv2 counts from the centre of the first pixel
    matrix = np.linalg.inv(half) @ matrix @ half
    return cv2.warpAffine(image, matrix[:2], (image.shape[1], image.shape[0]), flags=interpolation)
