"""What a check of data files finds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from mmvg.datasets.readers import DataError, LoadReport
from mmvg.foreign_files import special_file

#: Problem, or the beginning of one -> what to do about it. Everything else: correct the record or fetch the file again.
CURES = {
    'missing file': 'put the file there; data/README.md says where it comes from',
    'unreadable file': 'download the file again',
    'missing image file': 'copy the image there, or set --images to the folder that holds it',
    'image that cannot be decoded': 'download the image again',
    'damaged pack': 'pack the pictures again, with --force',
    'image of another size': 'use images and annotations of the same release',
    'image_id that is not in images': 'add the image to instances.json, or remove the record',
    'annotation that does not exist': 'add the annotation to instances.json, or remove the ref',
    'annotation of another image': 'correct image_id or ann_id',
    'object named twice': 'name it once: two answers are asked for otherwise',
    'duplicate ann_id in a ref': 'name it once',
    'duplicate': 'give one of them another id, or remove it',
    'damaged polygon': 'remove the polygon or draw it again',
    'empty segmentation': 'draw the mask again, or remove the object from the ref',
    'damaged RLE': 'encode the mask again at the size of the image',
    'mask without a pixel': 'draw the mask again, inside the image',
    'box in fractions': 'multiply by width and height of the image: boxes are in pixels',
    'box format': 'write the boxes in the format of docs/datasets.md, in pixels',
    'box ': 'correct the box, or draw it from the mask, in pixels',
    'bbox ': 'correct the box, or draw it from the mask, in pixels',
    'file without a ref': 'download the file again',
    'image name that leads': 'copy the images below the folder, or allow it: --outside-images, outside_images=True',
    'image of an impossible': 'correct the size, or make the image smaller',
    'two sizes of one image': 'give the size of the file, or leave width and height out',
    'one picture in two splits': 'remove it from one of them, or report that evaluation targets were seen',
    'line that': 'correct the line: one JSON object per line, in UTF-8',
    'expression': 'write what is meant, or remove the sentence',
    'grasp that is no rectangle': 'remove the rectangle, or correct its four corners',
    'grasp turned by degrees': 'write angles in radians, counter-clockwise on the screen, from -pi/2 to pi/2',
    'grasps where nothing is meant': 'remove the grasps, or add boxes and masks of what is meant',
    'label row': 'remove the row',
    'answer that ': 'correct answer, the number of the object in the instance image, or remove the record',
    'missing instance image': 'put the file there; data/README.md says where it comes from',
    'part of which': 'unpack all four archives, or remove the id from the list',
    'image shared by splits': 'drop the shared images from train, or report that evaluation targets were seen',
    'count that ': 'download the original files; leave --released out for a subset',
    'split that ': 'use the split names of the original file',
    'no_target': 'set ann_id to [-1] and no_target to true, or neither',
}
#: The same for what is only remarkable; everything else: nothing to do.
NOTE_CURES = {
    'box that is not around': 'draw box or mask again if it is wrong',
    'area that is not': 'nothing here reads the area; compute it from the mask for other programs',
    'image with the EXIF': (
        'save the picture upright; or, if its boxes were drawn on the upright picture, load it with '
        "LoadImage(orientation='upright')"
    ),
    'expression that was decoded': 'save the file again from its source as UTF-8, or correct the sentence',
    'expression with a character': 'write the character that was lost',
    'no ref of split': 'get the whole file if you need that split: its dataset cannot be built',
    'split of another name': 'give it a usual name if it is a slip; other names work',
    'files that are not read': 'rename them if they were meant to be read; data/README.md has the names',
    'pictures that look alike': 'look at them: a copy in an evaluation has been seen in training',
}
DEFAULT_CURE = 'correct the record, or download the file again'


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or (``level='note'``) only remarkable.

    Args:
        level: ``'error'`` or ``'note'``.
        file: Where.
        record: Which record in it.
        problem: What is wrong.
        cure: What to do.

    Example:
        >>> Finding('error', 'refs(unc).p', 'ref_id 5', 'duplicate ref_id', 'give one of them another id')
        Finding(level='error', file='refs(unc).p', record='ref_id 5', problem='duplicate ref_id', ...)
    """

    level: str
    file: str
    record: str
    problem: str
    cure: str


class RecordError(DataError):
    """A record that cannot be looked at any further; its finding has been written down."""


class FindingReport(LoadReport):
    """A load report that writes everything down instead of raising at the first problem.

    Example:
        >>> report = FindingReport()
        >>> report.found('duplicate ref_id', 'refs(unc).p', 'ref_id 5')
        >>> report.try_record(report.fail, 'image without a size', 'instances.json', 'image_id 7')
        >>> [(finding.problem, finding.record) for finding in report.errors]
        [('duplicate ref_id', 'ref_id 5'), ('image without a size', 'image_id 7')]
    """

    def __init__(self) -> None:
        super().__init__('tolerant', evaluation=False)
        self.findings: list[Finding] = []
        #: Files that were looked into.
        self.opened: set[Path] = set()
        self._seen: set[Finding] = set()

    def found(self, problem: str, file: str | Path, record: str, level: str = 'error') -> None:
        """Write down one finding, once.

        Args:
            problem: What is wrong; its beginning chooses the advice from ``CURES``.
            file: Where.
            record: Which record in it.
            level: ``'error'``, or ``'note'`` for what the original files have too.
        """
        cures, default = (CURES, DEFAULT_CURE) if level == 'error' else (NOTE_CURES, 'nothing to do')
        cure = next((cure for start, cure in cures.items() if problem.startswith(start)), default)
        finding = Finding(level, str(file), record, problem, cure)
        if finding not in self._seen:
            self._seen.add(finding)
            self.findings.append(finding)

    # The methods of LoadReport, which the readers call.

    def note(self, kind: str, file: str | Path, where: str, action: str) -> None:
        self.found(kind, file, where, 'note')

    def problem(self, kind: str, file: str | Path, where: str, action: str) -> None:
        self.found(kind, file, where)

    def drop(self, kind: str, file: str | Path, where: str, action: str = '') -> None:
        self.found(kind, file, where)

    def fail(self, kind: str, file: str | Path, where: str) -> NoReturn:
        self.found(kind, file, where)
        raise RecordError(kind)

    @property
    def errors(self) -> list[Finding]:
        """The findings that are errors."""
        return [finding for finding in self.findings if finding.level == 'error']

    def try_record(self, read: Callable, *arguments, **named):
        """Call ``read`` for a record.

        Returns:
            What ``read`` returns; None if it gives up on the record, whose problem is written down then.
        """
        try:
            return read(*arguments, **named)
        except RecordError:
            return None

    def try_file(self, read: Callable, path: Path, *arguments):
        """Call ``read`` for a file.

        Returns:
            What ``read`` returns; None if the file is missing or damaged, which is written down then.
        """
        self.opened.add(path)
        if special_file(path) is None and not path.is_file():
            self.found('missing file', path, 'the file')
            return None
        try:
            return read(path, *arguments)
        except RecordError:
            return None
        except (DataError, OSError) as error:
            self.found(f'unreadable file: {str(error).removeprefix(str(path)).strip(" :")}', path, 'the file')
            return None
