"""Pictures of every kind that users have, as the array that a pipeline starts from."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mmvg.foreign_files import foreign_content

#: What :func:`list_images` takes for a picture.
SUFFIXES = frozenset({'.jpg', '.jpeg', '.png', '.bmp', '.gif', '.tif', '.tiff', '.webp'})

ImageSource = str | Path | bytes | np.ndarray | Image.Image


class ImageError(ValueError):
    """Something is not a picture that can be read; the message says what it is and what to do."""


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
        return _from_pil(source, 'the PIL image')
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _decode(bytes(source), f'{len(source)} bytes')
    if isinstance(source, str) and source.startswith(('http://', 'https://')):
        return _decode(_fetch(source, allow_url), source)
    if isinstance(source, (str, Path)):
        path = Path(source).expanduser()
        if path.is_dir():
            raise ImageError(f'{path} is a folder; give the picture, or list_images(folder)')
        if not path.is_file():
            raise FileNotFoundError(f'{path}: there is no such picture')
        return _decode(path.read_bytes(), str(path))
    raise TypeError(f'a picture is a path, bytes, an array or a PIL image, not {type(source).__name__}')


def list_images(folder: str | Path) -> list[Path]:
    """The pictures of a folder by name, without its subfolders and hidden files (macOS leaves ``._x.jpg``).

    Raises:
        FileNotFoundError: If there is no such folder, or it holds no picture.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder}: there is no such folder')
    visible = (path for path in folder.iterdir() if not path.name.startswith('.') and path.is_file())
    found = sorted(path for path in visible if path.suffix.lower() in SUFFIXES)
    if not found:
        raise FileNotFoundError(f'{folder}: no picture in it; looked for {", ".join(sorted(SUFFIXES))}')
    return found


def is_image_folder(source: object) -> bool:
    """Whether ``source`` is the path of a folder."""
    return isinstance(source, (str, Path)) and not str(source).startswith('http') and Path(source).expanduser().is_dir()


def _fetch(url: str, allowed: bool) -> bytes:
    if not allowed:
        raise ImageError(f'{url}: addresses are not fetched unless asked for; save the picture, or set allow_url=True')
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=30) as answer:
            return answer.read()
    except OSError as error:
        raise ImageError(f'{url}: cannot be fetched: {error}') from error


def _decode(content: bytes, name: str) -> np.ndarray:
    if (foreign := foreign_content(content[:256])) is not None:
        raise ImageError(f'{name}: the file is {foreign}')
    try:
        with Image.open(BytesIO(content)) as image:
            image.load()
            return _from_pil(image, name)
    except UnidentifiedImageError:
        if content[4:8] == b'ftyp' and b'he' in content[8:32]:  # the brands heic, heix, heim, hevc, ...
            raise ImageError(f'{name}: HEIC cannot be read; save the picture as JPEG or PNG') from None
        hint = ' but text' if all(31 < byte < 127 or byte in b'\r\n\t' for byte in content[:64]) else ''
        raise ImageError(f'{name}: is not a picture{hint}; JPEG, PNG and the like can be read') from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(f'{name}: cannot be decoded, it is damaged, cut off or too large ({error})') from error


def _from_pil(image: Image.Image, name: str) -> np.ndarray:
    if 0 in image.size:
        raise ImageError(f'{name}: has no pixels, its size is {image.size}')
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith('I'):  # 16 bits, in 'I' as 32
        values = np.asarray(image).astype(np.int64)
        return np.repeat((values.clip(0, 65535) >> 8).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode == 'F':
        return _from_array(np.asarray(image))
    if image.mode in ('RGBA', 'LA', 'PA', 'La', 'RGBa') or 'transparency' in image.info:
        image = image.convert('RGBA')
        white = Image.new('RGBA', image.size, 'white')
        image = Image.alpha_composite(white, image)
    return np.ascontiguousarray(np.asarray(image.convert('RGB'))[..., ::-1])


def _from_array(array: np.ndarray) -> np.ndarray:
    shape = array.shape
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ImageError(f'an array of a picture is (H, W), or (H, W, 1, 3 or 4) in BGR order, not {shape}')
    if 0 in shape:
        raise ImageError(f'the array has no pixels, its shape is {shape}')
    if array.dtype.kind == 'f':
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise ImageError('a floating-point array of a picture holds values in [0, 1]; divide by 255')
        array = np.round(array * 255).astype(np.uint8)
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
