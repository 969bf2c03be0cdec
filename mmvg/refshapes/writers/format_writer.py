"""Interface of a format writer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ..records import SceneRecord


class FormatWriter(Protocol):
    r"""Writes finished pictures in one on-disk format.

    Attributes:
        styles: References it takes from a record (keys of ``STYLES``).
        folder: What it writes below the root; no other writer writes there.

    Example:
        >>> class CaptionWriter:
        ...     styles, folder = ('refcoco',), 'captions'
        ...
        ...     def write(self, scenes, root):
        ...         captions = [s.sent for scene in scenes for r in scene.references['refcoco'] for s in r.sentences]
        ...         (root / 'captions.txt').write_text('\n'.join(captions))
        >>> from mmvg.refshapes import SIZES, make_record
        >>> record, _ = make_record(SIZES['tiny'], seed=0, split='train', index=0, styles=CaptionWriter.styles)
        >>> CaptionWriter().write([record], Path('.'))
        >>> len(Path('captions.txt').read_text().splitlines())
        12
    """

    styles: tuple[str, ...]
    folder: str

    def write(self, scenes: Sequence[SceneRecord], root: Path) -> None:
        """Write everything but the images.

        Args:
            scenes: All pictures, split after split.
            root: Folder of the data set; the images lie in ``root/images/train2014`` already.
        """
