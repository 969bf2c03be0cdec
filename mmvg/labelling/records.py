"""Answers as rows of Parquet, and back; reading what was labelled."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow


def answer_schema() -> 'pyarrow.Schema':
    """Return the columns of answers, the same for every model: what a model does not give is null.

    ``candidates`` are JSON, everything else is as in :meth:`mmvg.structures.Answer.to_record`.
    """
    import pyarrow as pa

    number, text, numbers = pa.float64(), pa.string(), pa.list_(pa.float64())
    mask = pa.struct([('size', pa.list_(pa.int32())), ('counts', text)])
    return pa.schema(
        [
            *(('version', pa.int32()), ('dataset', text), ('img_id', pa.int64()), ('ref_id', pa.int64())),
            *(('sent_id', pa.int64()), ('image', text), ('expression', text)),
            *(('unknown_words', pa.list_(text)), ('unread_text', text)),
            *(('size', pa.list_(pa.int32())), ('frame', text), ('score_thr', number)),
            *(('no_target', pa.bool_()), ('target_score', number)),
            *(
                ('boxes', pa.list_(numbers)),
                ('scores', numbers),
                ('masks', pa.list_(mask)),
                ('points', pa.list_(numbers)),
            ),
            *(('mask', mask), ('grasps', pa.list_(numbers)), ('grasp_scores', numbers), ('candidates', text)),
        ]
    )


def to_table(records: Sequence[dict[str, Any]]) -> 'pyarrow.Table':
    """Write records as rows."""
    import pyarrow as pa

    rows = [
        {**record, 'candidates': json.dumps(record['candidates'])} if 'candidates' in record else record
        for record in records
    ]
    return pa.Table.from_pylist(rows, schema=answer_schema())


def from_table(table: 'pyarrow.Table') -> list[dict[str, Any]]:
    """Read what :func:`to_table` wrote."""
    records = [{key: value for key, value in row.items() if value is not None} for row in table.to_pylist()]
    for record in records:
        if 'candidates' in record:
            record['candidates'] = json.loads(record['candidates'])
    return records


def read_labels(folder: str | Path) -> Iterator[dict[str, Any]]:
    """Yield the records below a folder of ``mmvg label``, in the order of the pictures.

    Only shards that are whole are there, also while the labelling goes on. Where there are no JSON lines any more, the
    Parquet files are read.

    Raises:
        FileNotFoundError: If it is no such folder.
    """
    folder = Path(folder)
    if files := sorted((folder / 'jsonl').glob('*.jsonl')):
        for file in files:
            with file.open(encoding='utf-8') as lines:
                yield from map(json.loads, lines)
        return
    files = sorted((folder / 'parquet').glob('*.parquet'))
    if not files and not (folder / 'run.json').is_file():
        raise FileNotFoundError(f'{folder}: is no folder that mmvg label --out has written')
    for file in files:
        import pyarrow.parquet as pq

        yield from from_table(pq.read_table(file))
