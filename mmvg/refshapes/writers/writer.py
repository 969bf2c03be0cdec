"""What a format writer is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ..records import SceneRecord


class FormatWriter(Protocol):
    """Writes finished pictures in one on-disk format.

    ``styles`` names the references it takes from a record (keys of ``STYLES``), ``folder`` what it writes below the
    root, which nobody else writes to.
    """

    styles: tuple[str, ...]
    folder: str

    def write(self, scenes: Sequence[SceneRecord], root: Path) -> None:
        """Write everything but the images, which lie in ``root/images/train2014`` already."""
