"""The refs of the refer API, as they stand in ``refs(<split_by>).p`` and ``grefs(unc).json``."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.datasets.readers.load_report import DataError, LoadReport
from mmvg.datasets.readers.safe_reading import read_json, read_pickle
from mmvg.foreign_files import shown

#: Splits of the public files; refs of others are counted, for their name may be a slip.
USUAL_SPLITS = frozenset({'train', 'val', 'test', 'testA', 'testB'})


@dataclass
class Ref:
    """Targets in one image and the expressions that mean them.

    Attributes:
        ref_id: Unique in the file.
        image_id: Key into ``images`` of instances.json; ``file_name`` of a ref is never used, it has a suffix.
        ann_ids: Keys into ``annotations``; empty if the expressions mean nothing in the image.
        split: As written in the file.
        sentences: ``dict(sent_id=int, text=str)`` each.
        record: The ref as read, for what only one dataset has.
    """

    ref_id: int
    image_id: int
    ann_ids: tuple[int, ...]
    split: str
    sentences: list[dict]
    record: dict


def as_id(value: Any, key: str, file: str | Path, where: str, report: LoadReport) -> int:
    """Turn ``value`` into a plain int; numpy integers are fine, digits in a string or a whole float are a problem.

    Raises:
        DataError: If ``value`` is no whole number, or is not written as one in strict mode.
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        if not -(2**63) <= value < 2**63:
            report.fail('id beyond 64 bits', file, f'{where}: {key} is {shown(value)}')
        return int(value)
    try:
        converted = int(value) if isinstance(value, str | float) and float(value) == int(value) else None
    except (ValueError, OverflowError):  # 'abc', NaN, Infinity
        converted = None
    if converted is None or not -(2**63) <= converted < 2**63:
        report.fail('id that is not a number', file, f'{where}: {key} is {shown(value)}')
    report.problem('id not written as an integer', file, f'{where}: {key} is {shown(value)}', 'the id is converted')
    return converted


def as_ids(value: Any, key: str, file: str | Path, where: str, report: LoadReport) -> tuple[int, ...]:
    """Turn a list of ids, or one bare id, into a tuple of ints."""
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(as_id(v, key, file, where, report) for v in values)


def select_split(records: Sequence[Any], split: str, file: str | Path) -> list[dict]:
    """Select the records whose ``split`` equals ``split``, in file order.

    Raises:
        DataError: If a record is no dict or has no ``split``, or if no record is of this split; names those found.
    """
    found = Counter()
    selected = []
    for position, record in enumerate(records):
        if not isinstance(record, dict):
            raise DataError(f'{file}: entry {position} is a {type(record).__name__}, expected a ref (a dict)')
        if not isinstance(record.get('split'), str):
            raise DataError(f'{file}: entry {position} (ref_id {shown(record.get("ref_id"))}) has no split name')
        found[record['split']] += 1
        if record['split'] == split:
            selected.append(record)
    if not selected:
        listed = (
            ', '.join(
                f'{name if name.isprintable() else shown(name)} ({count} refs)' for name, count in sorted(found.items())
            )
            or 'none, the file is empty'
        )
        raise DataError(f'{file} has no ref of split {split!r}; the splits in it: {listed}')
    return selected


def read_records(file: Path) -> list:
    """Read the refs of all splits as they stand in a pickle (``.p``) or JSON file.

    Raises:
        DataError: If the file is damaged or holds no list.
    """
    return read_pickle(file, list) if file.suffix == '.p' else read_json(file, list)


def read_refs_file(file: Path, split: str, text_field: str, report: LoadReport) -> list[Ref]:
    """Read the refs of one split, in file order; see :func:`read_records` and :func:`read_refs`.

    Raises:
        DataError: If the file is damaged, has no such split, or a ref in it cannot be used.
    """
    records = read_records(file)
    selected = select_split(records, split, file)
    for record in records:
        if record['split'] not in USUAL_SPLITS:
            where = f'ref_id {shown(record.get("ref_id"))}: {shown(record["split"])}'
            report.note('ref of a split of another name', file, where, f'it is not in {split!r}')
    return read_refs(selected, text_field, file, report)


def read_refs(records: Iterable[dict], text_field: str, file: str | Path, report: LoadReport) -> list[Ref]:
    """Check and normalise refs: ids to ints, ``ann_id`` to a tuple (still holding -1), sentences to their texts.

    Args:
        records: Refs as read, of one split.
        text_field: ``'raw'``, as typed by the annotator, or ``'sent'``, lower case without punctuation.
        file: Where they come from, for messages.
        report: Decides whether a problem raises or is repaired and counted.
    """
    refs: dict[int, Ref] = {}
    sent_ids: set[int] = set()
    for record in records:
        where = f'ref_id {shown(record.get("ref_id"))}'
        for key in ('ref_id', 'image_id', 'ann_id', 'sentences'):
            if key not in record:
                report.fail(f'ref without {key}', file, f'{where} has only {shown(list(record))}')
        ref_id = as_id(record['ref_id'], 'ref_id', file, where, report)
        if ref_id in refs:
            report.drop('duplicate ref_id', file, where, 'the first is kept')
            continue
        refs[ref_id] = Ref(
            ref_id=ref_id,
            image_id=as_id(record['image_id'], 'image_id', file, where, report),
            ann_ids=as_ids(record['ann_id'], 'ann_id', file, where, report),
            split=record['split'],
            sentences=_read_sentences(record, text_field, sent_ids, file, where, report),
            record=record,
        )
    return list(refs.values())


def _read_sentences(
    record: dict, text_field: str, seen: set[int], file: str | Path, where: str, report: LoadReport
) -> list[dict]:
    if not isinstance(record['sentences'], list):
        report.fail('sentences that are not a list', file, f'{where}: {shown(record["sentences"])}')
    if not record['sentences']:
        report.note('ref without sentences', file, where, 'it gives no sample')
        return []
    in_ref: set[int] = set()
    sentences = []
    for sentence in record['sentences']:
        if not isinstance(sentence, dict) or 'sent_id' not in sentence or text_field not in sentence:
            report.fail(f"sentence without 'sent_id' or {text_field!r}", file, f'{where}: {shown(sentence)}')
        sent_id = as_id(sentence['sent_id'], 'sent_id', file, where, report)
        here = f'{where}, sent_id {sent_id}'
        if sent_id in in_ref:
            report.drop('duplicate sent_id in a ref', file, here, 'the first is kept')
            continue
        in_ref.add(sent_id)
        if sent_id in seen and _skip_repeated(file, here, report):
            continue
        seen.add(sent_id)
        if is_usable_text(sentence[text_field], file, here, report):
            sentences.append(dict(sent_id=sent_id, text=sentence[text_field]))
    _check_sent_ids(record, in_ref, file, where, report)
    return sentences


def _skip_repeated(file: str | Path, where: str, report: LoadReport) -> bool:
    """Say whether to skip a sentence whose id another ref has too; an evaluation keeps it, ref_id tells them apart."""
    action = 'both are kept' if report.evaluation else 'the first is kept'
    report.problem('sent_id used by two refs', file, where, action)
    return not report.evaluation


def _check_sent_ids(record: dict, found: set[int], file: str | Path, where: str, report: LoadReport) -> None:
    if 'sent_ids' not in record:
        return
    listed = as_ids(record['sent_ids'], 'sent_ids', file, where, report)
    if set(listed) != found or len(listed) != len(found):
        report.problem(
            'sent_ids that differ from the sentences',
            file,
            f'{where}: sent_ids {shown(list(listed))}, sentences {shown(sorted(found))}',
            'only the sentences count',
        )


def is_usable_text(text: Any, file: str | Path, where: str, report: LoadReport) -> bool:
    """Say whether ``text`` can be a sample; an evaluation keeps an empty one and raises for one that is no str."""
    if not isinstance(text, str):
        report.drop('expression that is not a string', file, f'{where}: {shown(text)}')
        return False
    if not text.isascii() and any('\ud800' <= c <= '\udfff' for c in text):  # no tokenizer and no terminal takes it
        report.drop('expression with half of a character', file, f'{where}: {shown(text)}')
        return False
    if any(not c.isspace() and not unicodedata.category(c).startswith('P') for c in text):
        return True
    action = 'it is scored with an empty text' if report.evaluation else 'the sample is skipped'
    report.problem('expression without a word', file, f'{where}: {shown(text)}', action)
    return report.evaluation


def require_one_target(ref: Ref, file: Path, report: LoadReport) -> None:
    """Check that a ref names exactly one annotation.

    Raises:
        DataError: If it does not.
    """
    if len(ref.ann_ids) != 1 or ref.ann_ids[0] < 0:
        where = f'ref_id {ref.ref_id} has ann_id {shown(list(ref.ann_ids))}'
        report.fail('ref that has not exactly one target', file, where)


def real_target_ids(ref: Ref, file: Path, report: LoadReport) -> tuple[int, ...]:
    """Return the ``ann_ids`` of a ref of gRefCOCO with ``(-1,)``, which means no target, turned into ``()``.

    The ids, not the flag ``no_target``, decide what a ref is.

    Raises:
        DataError: If -1 stands beside other ids, or there is no id at all.
    """
    no_target = ref.ann_ids == (-1,)
    flag = ref.record.get('no_target', no_target)
    mixed = not no_target and (not ref.ann_ids or -1 in ref.ann_ids)
    if mixed or flag != no_target:
        where = f'ref_id {ref.ref_id} has ann_id {shown(list(ref.ann_ids))}'
        if mixed:
            kind = '-1 beside real ids' if ref.ann_ids else 'empty list of ids ([-1] means no target)'
            report.fail(kind, file, where)
        report.problem('no_target that contradicts ann_id', file, f'{where}, no_target {shown(flag)}', 'ann_id decides')
    return () if no_target else ref.ann_ids
