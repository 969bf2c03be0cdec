"""Records that have another shape than their format says: a number in place of a list, no key where one is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmvg.datasets.readers.load_report import LoadReport


@contextmanager
def record_shape(report: LoadReport, file: Path, where: str) -> Iterator[None]:
    """Say of which record it is when Python cannot read it as what its format says.

    Formats of other tools are deep, and a check of every step would hide what is read. So a reader takes a record as
    what it should be, inside of this.

    Args:
        report: Gets the problem.
        file: Where the record stands.
        where: Which it is.

    Raises:
        DataError: If the record has another shape.

    Example:
        >>> with record_shape(LoadReport('strict', evaluation=False), Path('tasks.json'), 'task 3'):
        ...     list(dict(result=5)['result'])
        Traceback (most recent call last):
        mmvg.datasets.readers.load_report.DataError: tasks.json: record of another shape: task 3: 'int' object is not
        iterable. Correct the file or download it again.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        what = f'{error} is missing' if isinstance(error, KeyError) else str(error)
        report.fail('record of another shape', file, f'{where}: {what[:200]}')
