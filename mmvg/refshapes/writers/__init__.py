"""Write the on-disk formats of the benchmarks.

A new format is a class like :class:`FormatWriter` and a line in ``WRITERS``.
"""

from .format_writer import FormatWriter
from .grasp_anything import GraspAnythingWriter
from .grefcoco import GRefCOCOWriter
from .instancevg_json import InstanceVGJSONWriter
from .ocid_vlg import OCIDVLGWriter
from .phrasecut import PhraseCutWriter
from .refcoco import RefCOCOgWriter, RefCOCOPlusWriter, RefCOCOWriter
from .refzom import RefZOMWriter
from .rrefcoco import RRefCOCOgWriter, RRefCOCOPlusWriter, RRefCOCOWriter

WRITERS: dict[str, type[FormatWriter]] = {
    'grefcoco': GRefCOCOWriter,
    'refcoco': RefCOCOWriter,
    'refcoco+': RefCOCOPlusWriter,
    'refcocog': RefCOCOgWriter,
    'refzom': RefZOMWriter,
    'rrefcoco': RRefCOCOWriter,
    'rrefcoco+': RRefCOCOPlusWriter,
    'rrefcocog': RRefCOCOgWriter,
    'phrasecut': PhraseCutWriter,
    'instancevg_json': InstanceVGJSONWriter,
    'ocid_vlg': OCIDVLGWriter,
    'grasp_anything': GraspAnythingWriter,
}

__all__ = [
    'WRITERS',
    'FormatWriter',
    'GRefCOCOWriter',
    'GraspAnythingWriter',
    'InstanceVGJSONWriter',
    'OCIDVLGWriter',
    'PhraseCutWriter',
    'RRefCOCOPlusWriter',
    'RRefCOCOWriter',
    'RRefCOCOgWriter',
    'RefCOCOPlusWriter',
    'RefCOCOWriter',
    'RefCOCOgWriter',
    'RefZOMWriter',
]
