"""Interface of a writer of tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from .finished_table import FinishedTable


class TableWriter(Protocol):
    """Writes tables in one on-disk format, in its own folder below the root.

    Attributes:
        folder: Below the root.
    """

    folder: str

    def write_table(self, table: FinishedTable, root: Path) -> Any:
        """Write the files of one table, maybe in another process, and return what :meth:`write_lists` needs of it."""

    def write_lists(self, parts: Sequence[tuple[str, Any]], root: Path) -> None:
        """Write what speaks of all tables.

        Args:
            parts: Split of each table, and what :meth:`write_table` returned for it.
            root: Folder of the data set.
        """
