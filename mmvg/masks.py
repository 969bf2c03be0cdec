"""Binary masks as arrays, polygons and COCO's run-length encoding (RLE); the one module that calls pycocotools.

An RLE here is ``dict(size=[H, W], counts=...)``: run lengths down the columns, background first. Its counts are a list
of whole numbers, or compressed to a text. All functions that return an RLE return the compressed form with ``counts``
as str, which JSON can hold.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from pycocotools import mask as coco_mask

from mmvg.foreign_files import shown
from mmvg.limits import limit, size_problem, variable_of
from mmvg.run_lengths import count_bits, pack_rows, rle_runs, rows_of_runs, unpack_rows

if TYPE_CHECKING:
    from torch import Tensor

#: A binary mask (H, W) or (1, H, W): bool, or integers 0 and 1; or an RLE.
Mask: TypeAlias = 'Tensor | np.ndarray | dict'


class PackedMasks:
    """Masks (N, H, W) as RLE, which take a thousandth of the memory of arrays and are decoded one by one.

    It stands in for the bool array where masks are picked, united, written and drawn: iterating gives one RLE a mask.

    Args:
        rles: Compressed RLE of one size, one per mask.
        size: Height and width.

    Example:
        >>> packed = PackedMasks.of(np.stack([np.eye(3, dtype=bool), np.zeros((3, 3), dtype=bool)]))
        >>> packed.shape, packed[np.array([True, False])].shape, packed.any(0).sum()
        ((2, 3, 3), (1, 3, 3), np.int64(3))
    """

    def __init__(self, rles: Sequence[dict], size: tuple[int, int]) -> None:
        self.rles = list(rles)
        self.shape = (len(self.rles), *size)

    @classmethod
    def of(cls, masks: 'Tensor | np.ndarray') -> 'PackedMasks':
        """Pack masks (N, H, W), bool or 0 and 1."""
        return cls([encode_mask(mask) for mask in masks], tuple(masks.shape[1:]))

    def __len__(self) -> int:
        return len(self.rles)

    def __iter__(self) -> Iterator[dict]:
        return iter(self.rles)

    def __getitem__(self, which: np.ndarray) -> 'PackedMasks':
        """Pick masks by their numbers, or by a bool per mask."""
        chosen = np.arange(len(self.rles))[which]
        return PackedMasks([self.rles[number] for number in chosen], self.shape[1:])

    def any(self, axis: int) -> np.ndarray:
        """Unite the masks, (H, W) bool; along axis 0, as of an array."""
        if axis != 0:
            raise ValueError(f'packed masks are united along axis 0, not {axis}')
        return decode_mask(coco_mask.merge(self.rles)) if self.rles else np.zeros(self.shape[1:], dtype=bool)

    @property
    def nbytes(self) -> int:
        """Bytes that the run lengths take."""
        return sum(len(rle['counts']) for rle in self.rles)


def read_mask(mask: Mask) -> np.ndarray | dict:
    """Bring a mask into one of two forms: a bool array (H, W), or a checked compressed RLE.

    Args:
        mask: Bool or 0/1 integer tensor or array, (H, W) or (1, H, W); or an RLE whose counts are a str, bytes, or a
            list of run lengths.

    Raises:
        ValueError: If the mask is neither, is not binary, or its runs do not add up to H * W.

    Example:
        >>> read_mask(np.array([[[0, 1], [1, 1]]])).tolist()
        [[False, True], [True, True]]
        >>> read_mask(dict(size=[2, 2], counts=[1, 3]))
        {'size': [2, 2], 'counts': '13'}
    """
    if isinstance(mask, _CheckedRLE):
        return mask
    if isinstance(mask, dict):
        runs = rle_runs(mask)
        if isinstance(mask['counts'], list):
            height, width = mask['size']
            return _as_text(coco_mask.frPyObjects(dict(size=[height, width], counts=runs.tolist()), height, width))
        return _as_text(mask)
    mask = mask.detach().cpu().numpy() if hasattr(mask, 'detach') else np.asarray(mask)
    if mask.ndim == 3 and mask.shape[0] == 1:
        mask = mask[0]
    if mask.ndim != 2:
        raise ValueError(f'a mask must be (H, W) or (1, H, W), not {mask.shape}')
    if mask.dtype == bool:
        return mask
    if mask.dtype.kind not in 'iu':
        raise ValueError(f'a mask must be bool or 0/1 integers, not {mask.dtype}; threshold it first')
    if mask.size and (mask.max() > 1 or mask.min() < 0):
        raise ValueError(f'a mask must hold 0 and 1 only, not values from {mask.min()} to {mask.max()}')
    return mask.astype(bool)


def encode_mask(mask: Mask) -> dict:
    """Turn a mask into a compressed RLE.

    Raises:
        ValueError: See :func:`read_mask`.

    Example:
        >>> encode_mask(np.eye(3, dtype=bool))
        {'size': [3, 3], 'counts': '013000'}
    """
    mask = read_mask(mask)
    return mask if isinstance(mask, dict) else _as_text(coco_mask.encode(np.asfortranarray(mask.view(np.uint8))))


def decode_mask(mask: Mask) -> np.ndarray:
    """Turn a mask into a bool array (H, W).

    Raises:
        ValueError: See :func:`read_mask`.

    Example:
        >>> decode_mask(dict(size=[2, 2], counts='13')).tolist()
        [[False, True], [True, True]]
    """
    return unpack_rows(_packed(mask), mask['size'][1]) if isinstance(mask, dict) else read_mask(mask)


def polygons_to_rle(polygons: Sequence[Sequence[float]], height: int, width: int) -> dict:
    """Rasterise the union of polygons as the COCO API does.

    Args:
        polygons: Flat lists ``[x0, y0, x1, y1, ...]`` in pixels.
        height: Of the image, in pixels.
        width: Of the image, in pixels.

    Raises:
        ValueError: If there is no polygon, one is not an even number (at least 6) of finite coordinates, or drawing it
            would take more memory than a picture.

    Example:
        >>> mask_area(polygons_to_rle([[1, 1, 5, 1, 5, 4, 1, 4]], height=6, width=8))
        12
    """
    if not polygons:
        raise ValueError('there is no polygon')
    arrays = [np.asarray(polygon, dtype=np.float64) for polygon in polygons]
    for array in arrays:
        if array.size < 6 or array.size % 2 or not np.isfinite(array).all():
            raise ValueError(
                f'polygon {shown(array.tolist())} is not an even number (at least 6) of finite coordinates'
            )
        if (problem := outline_problem(array)) is not None:
            raise ValueError(f'polygon {shown(array.tolist())} {problem}')
    if (problem := size_problem(height, width)) is not None:
        raise ValueError(problem)
    return _as_text(coco_mask.merge(coco_mask.frPyObjects(arrays, height, width)))


def outline_problem(polygon: np.ndarray) -> str | None:
    """Say why a polygon cannot be drawn in reasonable memory: the COCO API keeps five points a pixel of its outline.

    Args:
        polygon: ``[x0, y0, x1, y1, ...]`` in pixels, finite.

    Returns:
        What is wrong, to stand behind "the polygon"; None if it can be drawn.

    Example:
        >>> outline_problem(np.array([0, 0, 8, 0, 8, 8]))
        >>> outline_problem(np.array([0, 0, 9e6, 0, 0, 9]))
        'has an outline of 18000009 pixels, beyond the limit of 4000000 (MMVG_MAX_OUTLINE raises it)'
    """
    points = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    length = np.abs(points - points[np.arange(len(points)) - 1]).max(axis=1).sum()
    if length <= limit('outline'):
        return None
    allowed = f'{limit("outline")} ({variable_of("outline")} raises it)'
    return f'has an outline of {length:.0f} pixels, beyond the limit of {allowed}'


def union_of_masks(masks: Sequence[Any], height: int, width: int) -> dict:
    """Make the RLE of all pixels that are in any of some masks, which may be none.

    Args:
        masks: Each a mask, or a list of polygons, of a picture of ``height`` and ``width``.
        height: Of the image, in pixels.
        width: Of the image, in pixels.

    Raises:
        ValueError: See :func:`read_mask` and :func:`polygons_to_rle`.

    Example:
        >>> union_of_masks([np.eye(2, dtype=bool), dict(size=[2, 2], counts=[1, 1, 2])], height=2, width=2)
        {'size': [2, 2], 'counts': '021O'}
    """
    if not masks:
        return read_mask(dict(size=[height, width], counts=[height * width]))
    rles = [polygons_to_rle(mask, height, width) if isinstance(mask, list) else encode_mask(mask) for mask in masks]
    return rles[0] if len(rles) == 1 else _as_text(coco_mask.merge(rles))


def mask_size(mask: Mask) -> tuple[int, int]:
    """Return height and width of a mask, in pixels.

    Example:
        >>> mask_size(dict(size=[2, 2], counts='13'))
        (2, 2)
    """
    return tuple(mask['size']) if isinstance(mask, dict) else tuple(mask.shape[-2:])


def mask_area(mask: Mask) -> int:
    """Count the foreground pixels.

    Example:
        >>> mask_area(np.eye(3, dtype=bool))
        3
    """
    mask = read_mask(mask)
    return int(coco_mask.area(mask)) if isinstance(mask, dict) else int(np.count_nonzero(mask))


def mask_box(mask: Mask) -> list[float]:
    """Return the box ``[x1, y1, x2, y2]`` around the foreground pixels; all 0 if there is none.

    Example:
        >>> mask_box(np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0]]))
        [1.0, 1.0, 3.0, 3.0]
    """
    x, y, w, h = coco_mask.toBbox(encode_mask(mask)).tolist()
    return [x, y, x + w, y + h]


def intersection_and_union(pred: Mask, gt: Mask) -> tuple[int, int]:
    """Count the pixels in both masks and those in either.

    Two RLE are counted by their runs; as soon as one mask is an array, bits are counted.

    Raises:
        ValueError: If the masks differ in size, or one of them is malformed.

    Example:
        >>> intersection_and_union(np.eye(3, dtype=bool), np.ones((3, 3), dtype=bool))
        (3, 9)
    """
    pred, gt = (mask if isinstance(mask, dict) else read_mask(mask) for mask in (pred, gt))
    by_runs = isinstance(pred, dict) and isinstance(gt, dict)
    left, right = (read_mask(mask) if by_runs else _packed(mask) for mask in (pred, gt))
    if mask_size(pred) != mask_size(gt):
        raise ValueError(f'the predicted mask is {mask_size(pred)} (H, W) and the true one {mask_size(gt)}')
    if by_runs:
        intersection = int(coco_mask.area(coco_mask.merge([left, right], intersect=True)))
        return intersection, sum(coco_mask.area([left, right]).tolist()) - intersection
    return count_bits(left & right), count_bits(left | right)


def mask_overlaps(pred: Sequence[Mask], gt: Sequence[Mask]) -> np.ndarray:
    """Compute the IoU (P, N) of P masks with N others of the same size, 0 where both are empty.

    Raises:
        ValueError: If the masks differ in size, or one of them is malformed.

    Example:
        >>> mask_overlaps([np.eye(3, dtype=bool)], [np.eye(3, dtype=bool), np.ones((3, 3), dtype=bool)])
        array([[1.    , 0.3333]])
    """
    pred, gt = ([dict(encode_mask(mask)) for mask in masks] for masks in (pred, gt))  # pycocotools wants plain dicts
    if len(sizes := {mask_size(mask) for mask in (*pred, *gt)}) > 1:
        raise ValueError(f'masks of different sizes (H, W): {", ".join(map(str, sorted(sizes)))}')
    if not pred or not gt:
        return np.zeros((len(pred), len(gt)))
    areas = coco_mask.area(pred)[:, None].astype(np.int64) + coco_mask.area(gt)[None].astype(np.int64)
    return np.where(areas > 0, coco_mask.iou(pred, gt, [0] * len(gt)), 0.0)


def _packed(mask: Mask) -> np.ndarray:
    """Return the rows of a mask as bits, see :func:`mmvg.run_lengths.pack_rows`."""
    return rows_of_runs(rle_runs(mask), *mask['size']) if isinstance(mask, dict) else pack_rows(read_mask(mask))


class _CheckedRLE(dict):
    """A compressed RLE that this module has checked or made; it is read again and again without another check."""


def _as_text(rle: dict) -> dict:
    counts = rle['counts'].decode() if isinstance(rle['counts'], bytes) else rle['counts']
    return _CheckedRLE(size=[int(side) for side in rle['size']], counts=counts)
