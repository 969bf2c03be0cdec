"""Pictures of every kind that users have, as the array that a pipeline starts from."""

from pathlib import Path

import numpy as np
from PIL import Image

from mmvg.pictures import (
    ImageError,
    bytes_of_fractions,
    check_size,
    decode_picture,
    exif_orientation,
    pixels_of,
    turn_upright,
)

#: What :func:`list_images` takes for a picture.
SUFFIXES = frozenset({'.jpg', '.jpeg', '.png', '.bmp', '.gif', '.tif', '.tiff', '.webp'})

#: Bytes that are fetched from an address at most.
MAX_FETCHED = 100 * 10**6

ImageSource = str | Path | bytes | np.ndarray | Image.Image


def read_image(source: ImageSource, allow_url: bool = False) -> np.ndarray:
    """Read a picture upright, as (H, W, 3) uint8 BGR.

    The EXIF orientation is applied, grey gets three channels, CMYK becomes RGB, 16 bits become 8 (the high byte),
    transparency becomes white.

    Args:
        source: A path, the bytes of a file, a PIL image, or an array: (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4)
            BGRA, uint8, uint16, or floating point in [0, 1]. A string that starts with ``http://`` or ``https://`` is
            an address.
        allow_url: Fetch addresses. Without it an address is an error: nothing is downloaded unless asked for.

    Raises:
        FileNotFoundError: If there is no such file.
        ImageError: If the picture cannot be read or has no pixels.
        TypeError: If ``source`` is none of these.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _from_pil(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return decode_picture(bytes(source), f'{len(source)} bytes')
    if isinstance(source, str) and source.startswith(('http://', 'https://')):
        return decode_picture(_fetch(source, allow_url), source)
    if isinstance(source, (str, Path)):
        if not str(source):
            raise ImageError('no picture was given: its path is empty')
        path = _expand(source)
        if path.is_dir():
            raise ImageError(f'{path} is a folder; give the picture, or list_images(folder)')
        if not path.is_file():
            raise FileNotFoundError(f'{path}: there is no such picture')
        return decode_picture(path.read_bytes(), str(path))
    raise TypeError(f'a picture is a path, bytes, an array or a PIL image, not {type(source).__name__}')


def list_images(folder: str | Path) -> list[Path]:
    """The pictures of a folder by name, without its subfolders and hidden files (macOS leaves ``._x.jpg``).

    Raises:
        FileNotFoundError: If there is no such folder, or it holds no picture.
    """
    folder = _expand(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder}: there is no such folder')
    visible = (path for path in folder.iterdir() if not path.name.startswith('.') and path.is_file())
    found = sorted(path for path in visible if path.suffix.lower() in SUFFIXES)
    if not found:
        raise FileNotFoundError(f'{folder}: no picture in it; looked for {", ".join(sorted(SUFFIXES))}')
    return found


def is_image_folder(source: object) -> bool:
    """Whether ``source`` is the path of a folder."""
    return isinstance(source, (str, Path)) and bool(str(source)) and _expand(source).is_dir()


def _expand(path: str | Path) -> Path:
    """Put the home of a user in place of ``~``; a path of an unknown user stays as it is, and is not there."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _fetch(url: str, allowed: bool) -> bytes:
    if not allowed:
        raise ImageError(f'{url}: addresses are not fetched unless asked for; save the picture, or set allow_url=True')
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=30) as answer:
            content = answer.read(MAX_FETCHED + 1)
    except (OSError, HTTPException, ValueError) as error:  # ValueError: no address at all
        raise ImageError(f'{url}: cannot be fetched: {error}') from error
    if len(content) > MAX_FETCHED:
        raise ImageError(f'{url}: is larger than the {MAX_FETCHED // 10**6} MB that are fetched')
    return content


def _from_pil(image: Image.Image) -> np.ndarray:
    check_size(image.size, 'the PIL image')
    try:
        image.load()
    except Exception as error:  # its file is closed, cut off or damaged
        raise ImageError(f'the PIL image cannot be decoded ({error})') from error
    return turn_upright(pixels_of(image), exif_orientation(image))


def _from_array(array: np.ndarray) -> np.ndarray:
    shape = array.shape
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ImageError(f'an array of a picture is (H, W), or (H, W, 1, 3 or 4) in BGR order, not {shape}')
    if 0 in shape:
        raise ImageError(f'the array has no pixels, its shape is {shape}')
    if array.dtype.kind == 'f':
        array = bytes_of_fractions(array)
    elif array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    elif array.dtype == bool:
        array = array.astype(np.uint8) * 255
    elif array.dtype != np.uint8:
        raise ImageError(f'an array of a picture is uint8, uint16 or floating point, not {array.dtype}')
    if array.shape[2] == 4:
        alpha = array[..., 3:].astype(np.float32) / 255
        array = np.round(array[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    return np.ascontiguousarray(array)
