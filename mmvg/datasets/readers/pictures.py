"""Pictures of data sets, opened with Pillow so that no file can hang, fill the memory or run a program."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image

from mmvg.foreign_files import special_file
from mmvg.limits import size_problem, variable_of
from mmvg.pictures import readable_formats


class PictureError(ValueError):
    """A file is not a picture that can be read; the message says what is wrong, to stand behind its name."""


@contextmanager
def open_picture(path: str | Path | BytesIO) -> Iterator[Image.Image]:
    """Open a picture of a data set, whose pixels are not decoded yet.

    Args:
        path: Its file, or the content of one.

    Raises:
        FileNotFoundError: If there is no such file.
        PictureError: If it is no picture, too large, damaged, or fails while it is decoded in the ``with`` block.

    Example:
        >>> with open_picture('data/refshapes/images/train2014/COCO_train2014_000000000009.jpg') as picture:
        ...     picture.size
        (160, 120)
    """
    if not isinstance(path, BytesIO) and (kind := special_file(path)) is not None:
        raise PictureError(f'it is {kind}, not a file')
    try:
        with Image.open(path, formats=readable_formats()) as picture:
            if (problem := size_problem(picture.height, picture.width)) is not None:
                raise PictureError(problem)
            yield picture
    except (FileNotFoundError, PictureError):
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(f'{error} ({variable_of("image_pixels")} raises the limit)') from error
    except Exception as error:  # damaged pictures end in almost any exception
        raise PictureError(f'{type(error).__name__}: {str(error)[:200]}') from error
