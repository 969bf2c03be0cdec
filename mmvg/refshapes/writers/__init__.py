"""Writers of the on-disk formats. A new one is a class like :class:`FormatWriter` and a line in ``WRITERS``."""

from .grefcoco import GRefCOCOWriter
from .refcoco import RefCOCOgWriter, RefCOCOPlusWriter, RefCOCOWriter
from .writer import FormatWriter

WRITERS: dict[str, type[FormatWriter]] = {
    'grefcoco': GRefCOCOWriter,
    'refcoco': RefCOCOWriter,
    'refcoco+': RefCOCOPlusWriter,
    'refcocog': RefCOCOgWriter,
}

__all__ = ['WRITERS', 'FormatWriter', 'GRefCOCOWriter', 'RefCOCOPlusWriter', 'RefCOCOWriter', 'RefCOCOgWriter']
