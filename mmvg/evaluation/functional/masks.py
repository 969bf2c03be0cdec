"""Pixel counts of binary masks, from arrays or straight from run lengths without ever decoding them."""

import numpy as np
from pycocotools import mask as coco_mask
from torch import Tensor

#: A binary mask (H, W) or (1, H, W) in any of the forms that are understood here.
Mask = Tensor | np.ndarray | dict


def read_mask(mask: Mask) -> np.ndarray | dict:
    """Bring a mask into one of two forms: a bool array (H, W), or a checked compressed COCO RLE.

    Args:
        mask: Bool or 0/1 integer tensor or array, (H, W) or (1, H, W); or a COCO RLE ``dict(size=[H, W], counts=...)``
            whose counts are a string, bytes, or a list of run lengths.

    Raises:
        ValueError: If the mask is neither, is not binary, or its runs do not add up to H * W.
    """
    if isinstance(mask, dict):
        return _read_rle(mask)
    mask = mask.detach().cpu().numpy() if isinstance(mask, Tensor) else np.asarray(mask)
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
    """Compressed COCO RLE of a mask."""
    return _encode(read_mask(mask))


def mask_size(mask: Mask) -> tuple[int, int]:
    """Height and width of a mask, in pixels."""
    return tuple(mask['size']) if isinstance(mask, dict) else tuple(mask.shape[-2:])


def mask_area(mask: Mask) -> int:
    """Number of foreground pixels."""
    mask = read_mask(mask)
    return int(coco_mask.area(mask)) if isinstance(mask, dict) else int(np.count_nonzero(mask))


def intersection_and_union(pred: Mask, gt: Mask) -> tuple[int, int]:
    """Pixels in both masks and pixels in either.

    Two arrays are counted as they are; as soon as one mask is an RLE, the other is encoded (once) and the counting is
    done on runs.

    Raises:
        ValueError: If the masks differ in size, or one of them is malformed.
    """
    pred, gt = read_mask(pred), read_mask(gt)
    if mask_size(pred) != mask_size(gt):
        raise ValueError(f'the predicted mask is {mask_size(pred)} (H, W) and the true one {mask_size(gt)}')
    if isinstance(pred, dict) or isinstance(gt, dict):
        pred, gt = _encode(pred), _encode(gt)
        intersection = int(coco_mask.area(coco_mask.merge([pred, gt], intersect=True)))
        return intersection, int(coco_mask.area([pred, gt]).sum()) - intersection
    intersection = int(np.count_nonzero(pred & gt))
    return intersection, int(np.count_nonzero(pred)) + int(np.count_nonzero(gt)) - intersection


def rle_runs(counts: str | bytes) -> np.ndarray:
    """Run lengths (R,) int64 of compressed COCO counts, background first.

    The format: base-32 digits, low first, as characters from '0' on, bit 32 = another digit follows, the last digit's
    bit 16 = negative; from the fourth run on, the difference to the run two places before.

    Raises:
        ValueError: If the string is not of that format.
    """
    raw = counts.encode() if isinstance(counts, str) else counts
    digits = np.frombuffer(raw, dtype=np.uint8) - np.uint8(48)  # wraps below '0'
    if digits.size == 0:
        return digits.astype(np.int64)
    if digits.max() > 63 or digits[-1] > 31:
        raise ValueError('the RLE counts are not a COCO run-length string')
    ends = (digits < 32).nonzero()[0]
    starts = np.zeros_like(ends)
    np.add(ends[:-1], 1, out=starts[1:])
    lengths = ends - starts + 1
    if lengths.max() > 7:
        raise ValueError('the RLE counts hold a run longer than any image')
    values = (digits & 31).astype(np.int64)
    values[ends] = (values[ends] ^ 16) - 16  # the last digit has a sign
    if len(ends) < len(values):
        values <<= 5 * (np.arange(len(values)) - starts.repeat(lengths))
    runs = np.add.reduceat(values, starts)
    runs[1::2].cumsum(out=runs[1::2])
    runs[2::2].cumsum(out=runs[2::2])
    return runs


def _encode(mask: np.ndarray | dict) -> dict:
    return mask if isinstance(mask, dict) else coco_mask.encode(np.asfortranarray(mask.view(np.uint8)))


def _read_rle(rle: dict) -> dict:
    missing = {'size', 'counts'} - rle.keys()
    if missing:
        raise ValueError(f'an RLE mask needs size and counts; {sorted(missing)} missing')
    height, width = (int(side) for side in rle['size'])
    counts = rle['counts']
    runs = rle_runs(counts) if isinstance(counts, (str, bytes)) else np.asarray(counts, dtype=np.int64)
    if runs.min(initial=0) < 0 or runs.sum() != height * width:
        raise ValueError(f'the RLE runs add up to {runs.sum()} pixels, but its size is {height} x {width}')
    if isinstance(counts, (str, bytes)):
        return dict(size=[height, width], counts=counts)
    return coco_mask.frPyObjects(dict(size=[height, width], counts=runs.tolist()), height, width)
