"""Are the images there, whole, and of the size that the annotations say?"""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from mmvg.data_check.findings import FindingReport


def check_images(images: Iterable[dict], folder: Path, file: Path, report: FindingReport, decode: bool) -> None:
    """Check that image files are there, whole, and of the size that their records say.

    Args:
        images: Records that have been checked themselves.
        folder: Where the files are.
        file: The file that names them, for findings.
        report: Where findings go.
        decode: Decode every pixel; otherwise only the header is read.
    """
    for image in images:
        path = folder / image['file_name']
        record = f'image id {image["id"]} of {file.name}'
        if not path.is_file():
            report.found('missing image file', path, record)
            continue
        try:
            with Image.open(path) as picture:
                size = picture.size
                if decode:
                    picture.load()
        except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
            report.found(f'image that cannot be decoded ({type(error).__name__})', path, record)
            continue
        if size != (image['width'], image['height']):
            annotated = f'{image["width"]} x {image["height"]}'
            report.found(f'image of another size, {size[0]} x {size[1]} instead of {annotated}', path, record)
