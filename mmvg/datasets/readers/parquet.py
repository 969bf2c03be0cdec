"""Tables in Parquet files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmvg.datasets.readers.load_report import DataError
from mmvg.foreign_files import special_file


def open_parquet(file: Path, columns: Sequence[str]) -> Any:
    """Open a Parquet file that has ``columns``.

    Returns:
        A :class:`pyarrow.parquet.ParquetFile`.

    Raises:
        DataError: If the file is damaged or another one, or pyarrow is missing.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ModuleNotFoundError as error:
        raise DataError(f'{file}: to read Parquet takes pyarrow: pip install pyarrow') from error
    if (kind := special_file(file)) is not None:
        raise DataError(f'{file} is {kind}, not a file.')
    try:
        opened = parquet.ParquetFile(file)
    except (ArrowException, OSError) as error:
        raise DataError(f'{file} is not a whole Parquet file ({str(error)[:100]}): download it again.') from error
    names = opened.schema_arrow.names
    if missing := [name for name in columns if name not in names]:
        raise DataError(f'{file}: no column {missing[0]!r}; its columns are {", ".join(names)}. Is it another file?')
    return opened


def read_rows(file: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file, with ``columns`` of it.

    Raises:
        DataError: As :func:`open_parquet`.
    """
    from_file = open_parquet(file, columns)
    for batch in from_file.iter_batches(batch_size=256, columns=list(columns)):
        yield from batch.to_pylist()


class ParquetImages:
    """The encoded images in the column ``image`` of Parquet files, ``dict(bytes, path)`` as Hugging Face writes it.

    The row group that was read last is kept, so reading in order reads each once.

    Args:
        files: In their order.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = list(files)
        self._group: tuple[tuple[int, int], list[dict]] | None = None
        self._places: list[tuple[int, int, int]] = []
        for number, file in enumerate(self.files):
            metadata = open_parquet(file, ['image']).metadata
            for group in range(metadata.num_row_groups):
                self._places += [(number, group, row) for row in range(metadata.row_group(group).num_rows)]

    def __getitem__(self, row: int) -> bytes:
        """Return the bytes of the image in row ``row``, counted through all files."""
        number, group, within = self._places[row]
        if self._group is None or self._group[0] != (number, group):
            table = open_parquet(self.files[number], ['image']).read_row_group(group, columns=['image'])
            self._group = ((number, group), table.column('image').to_pylist())
        return self._group[1][within]['bytes']
