"""kinds(<split_by>).json beside a file of refs: the kind of each sentence, which RefShapes knows and writes."""

from collections.abc import Iterable
from pathlib import Path

from mmvg.datasets.readers.load_report import DataError
from mmvg.datasets.readers.refs import Ref
from mmvg.datasets.readers.safe_reading import read_json


def add_kinds(refs: Iterable[Ref], refs_file: Path) -> None:
    """Set ``kind`` of every sentence, if there is a file of kinds beside ``refs(<split_by>).p`` or ``grefs(...).json``.

    Raises:
        DataError: If the file is damaged, or names something else than a kind.
    """
    split_by = refs_file.stem.partition('(')[2]
    file = refs_file.with_name(f'kinds({split_by}.json')
    if not split_by or not file.is_file():
        return
    kinds = read_json(file, dict)
    for sentence in (sentence for ref in refs for sentence in ref.sentences):
        kind = kinds.get(str(sentence['sent_id']))
        if kind is not None and not isinstance(kind, str):
            raise DataError(f'{file}: sent_id {sentence["sent_id"]} is of kind {kind!r}, which is no text')
        if kind is not None:
            sentence['kind'] = kind
