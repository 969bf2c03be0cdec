"""Masks of objects from one picture in which every pixel holds the number of its object."""

from pathlib import Path

import numpy as np

from mmvg.datasets.readers.load_report import LoadReport
from mmvg.datasets.readers.pictures import PictureError, open_picture
from mmvg.masks import encode_mask, mask_box


def read_instance_image(file: Path | str, where: str, report: LoadReport) -> np.ndarray:
    """Read the numbers (H, W) in an image of one channel, of palette indices, or of several equal channels.

    Raises:
        DataError: If the file is missing, damaged, or its colour channels differ.
    """
    try:
        with open_picture(file) as image:
            pixels = np.asarray(image)
    except FileNotFoundError:
        report.fail('missing instance image', file, where)
    except PictureError as error:
        report.fail('instance image that cannot be decoded', file, f'{where}: {error}')
    if pixels.ndim == 3:
        colours = pixels[..., : 1 if pixels.shape[2] == 2 else 3]  # without a channel of opacity
        if not (colours == colours[..., :1]).all():
            report.fail('instance image whose channels differ', file, f'{where}: {pixels.shape[2]} channels')
        pixels = colours[..., 0]
    return pixels


class InstanceReader:
    """Reads masks from instance images, and each image once if all of its masks are asked for one after the other.

    Args:
        report: Judges files that cannot be read.
    """

    def __init__(self, report: LoadReport) -> None:
        self.report = report
        self._file: Path | str | None = None
        self._pixels = np.zeros((0, 0), np.uint8)
        self._masks: dict[int, tuple[dict, list[float]]] = {}

    def mask_and_box(self, file: Path | str, number: int, where: str) -> tuple[dict, list[float]]:
        """Return the RLE of an object and the box around it, ``[x1, y1, x2, y2]``; all 0 if it has no pixel.

        Raises:
            DataError: See :func:`read_instance_image`.
        """
        if file != self._file:
            self._pixels = read_instance_image(file, where, self.report)
            self._file, self._masks = file, {}
        if number not in self._masks:
            rle = encode_mask(self._pixels == number)
            self._masks[number] = rle, mask_box(rle)
        return self._masks[number]
