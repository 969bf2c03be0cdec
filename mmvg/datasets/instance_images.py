"""Masks of objects from one picture in which every pixel holds the number of its object."""

from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from mmvg.datasets.load_report import LoadReport


def read_instance_image(file: Path, where: str, report: LoadReport) -> np.ndarray:
    """The numbers (H, W) in an image of one channel, or of several equal ones.

    Raises:
        DataError: If the file is missing, damaged, or its colour channels differ.
    """
    pixels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED) if file.is_file() else None
    if pixels is None:
        kind = 'instance image that cannot be decoded' if file.is_file() else 'missing instance image'
        report.fail(kind, file, where)
    if pixels.ndim == 3:
        if not (pixels[..., :3] == pixels[..., :1]).all():
            report.fail('instance image whose channels differ', file, f'{where}: {pixels.shape[2]} channels')
        pixels = pixels[..., 0]
    return pixels


def instance_to_rle(pixels: np.ndarray, number: int) -> dict:
    """COCO RLE of the pixels (H, W) that equal ``number``; it has an area of 0 if there are none."""
    rle = coco_mask.encode(np.asfortranarray(pixels == number).view(np.uint8))
    return dict(size=rle['size'], counts=rle['counts'].decode())


def rle_box(rle: dict) -> list[float]:
    """Box ``[x1, y1, x2, y2]`` around the pixels of an RLE; all 0 without a pixel."""
    x, y, w, h = coco_mask.toBbox(rle).tolist()
    return [x, y, x + w, y + h]
