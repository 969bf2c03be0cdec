"""From the bytes of a picture to its pixels, one way for training, evaluation and questions.

A picture in grey or colour is decoded by OpenCV, which is twice as fast, everything else by Pillow: OpenCV drops
transparency, so that a cut-out object stands on whatever colour its invisible pixels have. Of what is plain, both give
the same pixels.
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from mmvg.foreign_files import foreign_content, special_file
from mmvg.limits import limit, size_problem

#: What is read of all that Pillow knows; some formats (EPS) would start other programs, or are no pictures.
_FORMATS = ('AVIF', 'BMP', 'DIB', 'GIF', 'JPEG', 'JPEG2000', 'MPO', 'PNG', 'PPM', 'TGA', 'TIFF', 'WEBP')
_MAX_SCANS = 100  # of a JPEG, which is decoded once for each; progressive ones have about ten
_ORIENTATION = 0x0112  # of EXIF
_UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, -1)[::-1],
    8: lambda pixels: np.rot90(pixels),
}
#: How a picture can be resized, by what resizes it.
RESIZERS = dict(
    cv2=('nearest', 'bilinear', 'bicubic', 'area', 'lanczos'),
    pillow=('nearest', 'bilinear', 'bicubic', 'box', 'lanczos', 'hamming'),
)
#: EXIF orientation -> the one that undoes it.
BACK = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


class ImageError(ValueError):
    """Something is not a picture that can be read; the message says what it is and what to do.

    Example:
        >>> decode_picture(b'some notes', 'photo.jpg')
        Traceback (most recent call last):
        mmvg.pictures.ImageError: photo.jpg: is not a picture but text; JPEG, PNG and the like can be read
    """


def decode_picture(content: bytes, name: str, upright: bool = True, max_pixels: int | None = None) -> np.ndarray:
    """Decode a picture as (H, W, 3) uint8 BGR.

    Grey gets three channels, CMYK becomes RGB, 16 bits become 8 (the high byte), transparency becomes white.

    Args:
        content: The bytes of the file.
        name: What errors call the picture.
        upright: Apply the EXIF orientation; otherwise the pixels are as the file stores them.
        max_pixels: A picture with more is not decoded; by default :mod:`mmvg.limits` decides.

    Raises:
        ImageError: If it is no picture, damaged, too large, or has no pixels.

    Example:
        >>> content = Path('data/refshapes/images/train2014/COCO_train2014_000000000009.jpg').read_bytes()
        >>> decode_picture(content, 'scene').shape
        (120, 160, 3)
        >>> decode_picture(content, 'scene', max_pixels=10_000)
        Traceback (most recent call last):
        mmvg.pictures.ImageError: scene: has 160 x 120 pixels, more than the 0.01 million that are read; make it smaller
    """
    if (foreign := foreign_content(content[:256])) is not None:
        raise ImageError(f'{name}: the file is {foreign}')
    try:
        with Image.open(BytesIO(content), formats=readable_formats()) as image:
            check_size(image.size, name, max_pixels)
            if image.format in ('JPEG', 'MPO') and (scans := content.count(b'\xff\xda')) > _MAX_SCANS:
                raise ImageError(f'{name}: has {scans} scans, more than a picture needs; save it again')
            orientation = exif_orientation(image) if upright else 1
            pixels = _plain(image, content)
            if pixels is None:
                image.load()
                pixels = pixels_of(image)
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(f'{name}: {_no_picture(content)}') from None
    except Image.DecompressionBombError as error:
        raise ImageError(f'{name}: is too large to be read ({error}); make it smaller') from None
    except Exception as error:  # damaged files end in errors of every kind inside Pillow
        raise ImageError(f'{name}: cannot be decoded, it is damaged or cut off ({error})') from error
    return turn_upright(pixels, orientation)


def check_size(size: tuple[int, int], name: str, max_pixels: int | None = None) -> None:
    """Check width and height of a picture, against ``max_pixels`` or the limits of :mod:`mmvg.limits`.

    Raises:
        ImageError: If there are no pixels, or too many.

    Example:
        >>> check_size((0, 5), 'scene.png')
        Traceback (most recent call last):
        mmvg.pictures.ImageError: scene.png: has no pixels, its size is 0 x 5
    """
    width, height = size
    if not width or not height:
        raise ImageError(f'{name}: has no pixels, its size is {width} x {height}')
    if max_pixels is None:
        if (problem := size_problem(height, width)) is not None:
            raise ImageError(f'{name}: {problem}')
    elif width * height > max_pixels:
        raise ImageError(
            f'{name}: has {width} x {height} pixels, more than the {max_pixels / 1e6:g} million that are read; make it '
            'smaller'
        )


def pixels_of(image: Image.Image) -> np.ndarray:
    """Return the pixels of a loaded picture as (H, W, 3) uint8 BGR, as they are stored.

    Raises:
        ImageError: If they are floating-point numbers outside of [0, 1].

    Example:
        >>> pixels_of(Image.new('RGBA', (2, 1), (10, 20, 30, 0))).tolist()  # invisible
        [[[255, 255, 255], [255, 255, 255]]]
    """
    if image.mode.startswith('I'):  # 16 bits, in 'I' as 32
        values = np.asarray(image).astype(np.int64)
        return np.repeat((values.clip(0, 65535) >> 8).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode == 'F':
        return np.repeat(bytes_of_fractions(np.asarray(image))[..., None], 3, axis=2)
    if _is_transparent(image):
        image = image.convert('RGBA')
        image = Image.alpha_composite(Image.new('RGBA', image.size, 'white'), image)
    return np.ascontiguousarray(np.asarray(image.convert('RGB'))[..., ::-1])


def bytes_of_fractions(values: np.ndarray) -> np.ndarray:
    """Turn brightness in [0, 1] into bytes.

    Raises:
        ImageError: If a value is outside.

    Example:
        >>> bytes_of_fractions(np.array([0.0, 0.2, 1.0]))
        array([  0,  51, 255], dtype=uint8)
    """
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise ImageError('a floating-point array of a picture holds values in [0, 1]; divide by 255')
    return np.round(values * 255).astype(np.uint8)


def exif_orientation(picture: Image.Image | str | Path) -> int:
    """Return the EXIF orientation, 1 to 8, of a picture; 1, upright, where there is none or it cannot be read.

    Only the head of a file is read, and nothing of a pipe, a device or a format that is not read (see
    :func:`readable_formats`).

    Example:
        >>> exif_orientation('data/refshapes/images/train2014/COCO_train2014_000000000009.jpg')
        1
    """
    try:
        if not isinstance(picture, Image.Image):
            if special_file(picture) is not None:
                return 1
            with Image.open(picture, formats=readable_formats()) as image:
                return exif_orientation(image)
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # EXIF of any kind is found in files
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def turn_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn pixels (H, W, ...) as an EXIF ``orientation`` says; ``BACK[orientation]`` undoes it.

    Example:
        >>> turn_upright(np.array([[1, 2, 3], [4, 5, 6]]), 6)  # a quarter to the right
        array([[4, 1],
               [5, 2],
               [6, 3]])
    """
    return np.ascontiguousarray(_UPRIGHT[orientation](pixels))


def readable_formats() -> tuple[str, ...]:
    """Return the formats that are read, as Pillow calls them; its own bound on pixels follows ours, if that is higher.

    Example:
        >>> {'JPEG', 'PNG'} <= set(readable_formats()), 'EPS' in readable_formats()
        (True, False)
    """
    Image.init()
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, limit('image_pixels') // 2)  # it raises at twice this
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def write_image(path: Path, image: np.ndarray, options: Sequence[int] = ()) -> None:
    """Encode an image as OpenCV does, by the ending of its file, and write it.

    Args:
        path: The file, in a folder that is there.
        image: (H, W, 3) BGR or (H, W).
        options: Pairs of OpenCV's names and values, such as ``[cv2.IMWRITE_JPEG_QUALITY, 92]``.

    Raises:
        OSError: If it cannot be written, or is too large for its format, where ``cv2.imwrite`` says nothing.

    Example:
        >>> write_image(Path('black.png'), np.zeros((2, 3), np.uint8))
        >>> decode_picture(Path('black.png').read_bytes(), 'black.png').shape
        (2, 3, 3)
    """
    import cv2

    done, content = cv2.imencode(path.suffix, image, options)
    if not done:
        height, width = image.shape[:2]
        raise OSError(f'{path}: {path.suffix} cannot hold {width} x {height} pixels; take .png, or a smaller picture')
    path.write_bytes(content.tobytes())


def _plain(image: Image.Image, content: bytes) -> np.ndarray | None:
    """The pixels as OpenCV decodes them; None where it could see another picture than Pillow, or none."""
    if image.mode not in ('L', 'RGB') or _is_transparent(image):
        return None
    import cv2

    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def _is_transparent(image: Image.Image) -> bool:
    return image.mode in ('RGBA', 'LA', 'PA', 'La', 'RGBa') or 'transparency' in image.info


def _no_picture(content: bytes) -> str:
    if content[4:8] == b'ftyp' and b'he' in content[8:32]:  # the brands heic, heix, heim, hevc, ...
        return 'HEIC cannot be read; save the picture as JPEG or PNG'
    if content.startswith(b'\x00\x05\x16\x07'):
        return "is no picture but what macOS keeps beside one (AppleDouble); take the file without '._'"
    hint = ' but text' if all(31 < byte < 127 or byte in b'\r\n\t' for byte in content[:64]) else ''
    return f'is not a picture{hint}; JPEG, PNG and the like can be read'
