"""Are the images there, whole, upright, and of the size that the annotations say?"""

from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

from mmvg.data_check.findings import FindingReport
from mmvg.data_check.twins import Signature, sign
from mmvg.datasets.readers import DataError, PictureError, open_picture

_ORIENTATION = 0x0112  # of EXIF; 1 is upright, 5 to 8 are turned by a quarter


def check_images(
    images: Iterable[dict],
    folder: Path,
    file: Path,
    report: FindingReport,
    decode: bool,
    contents: Mapping[int | str, Callable[[], bytes]] = MappingProxyType({}),
) -> dict[int | str, Signature]:
    """Check that image files are there, whole, upright, and of the size that their records say.

    Args:
        images: Records that have been checked themselves.
        folder: Where the files are.
        file: The file that names them, for findings.
        report: Where findings go.
        decode: Decode every pixel; otherwise only the header is read.
        contents: Image id -> what reads its file, of images that lie in a pack.

    Returns:
        Image id -> what tells whether two files hold one picture; of the images in ``folder``.
    """
    signatures: dict[int | str, Signature] = {}
    for image in images:
        path = folder / image['file_name']
        record = f'image id {image["id"]} of {file.name}'
        try:
            packed = contents.get(image['id'])
            with open_picture(path if packed is None else BytesIO(packed())) as picture:
                size = picture.size
                orientation = picture.getexif().get(_ORIENTATION, 1)
                if decode:
                    picture.load()
                if packed is None:
                    signatures[image['id']] = sign(path, picture if decode else None)
        except FileNotFoundError:
            report.found('missing image file', path, record)
            continue
        except (PictureError, DataError) as error:
            report.found(f'image that cannot be decoded ({error})', path, record)
            continue
        annotated = (image['width'], image['height'])
        if size != annotated:
            turned = ', as it is when the EXIF orientation is applied' if size[::-1] == annotated else ''
            what = f'{size[0]} x {size[1]} instead of {annotated[0]} x {annotated[1]}'
            report.found(f'image of another size, {what}{turned}', path, record)
        elif orientation in range(2, 9):
            report.found(f'image with the EXIF orientation {orientation}', path, record, 'note')
    return signatures
