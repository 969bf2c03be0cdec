"""XML files, which CVAT and Flickr30k Entities have."""

from pathlib import Path
from xml.etree import ElementTree

from mmvg.datasets.readers.load_report import DataError, LoadReport
from mmvg.foreign_files import read_whole


def read_xml(file: Path, root: str, report: LoadReport) -> ElementTree.Element:
    """Read an XML file whose outermost element is ``root``.

    Entities are refused: a few of them unfold to gigabytes, and none of our formats has them.

    Raises:
        DataError: If it is another or a damaged file.
    """
    try:
        content = read_whole(file)
    except ValueError as error:
        raise DataError(f'{error}.') from error
    if b'\0' in content[:1000]:  # UTF-16, in which an entity would not be seen below
        report.fail('XML that is not text in UTF-8', file, 'save it again as UTF-8')
    if b'<!ENTITY' in content or b'<!DOCTYPE' in content:
        report.fail('XML with a document type or entities', file, 'annotations have none')
    try:
        found = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError) as error:
        report.fail('file that is not whole XML', file, str(error))
    if found.tag != root:
        report.fail(f'XML that does not begin with <{root}>', file, f'it begins with <{found.tag}>')
    return found
