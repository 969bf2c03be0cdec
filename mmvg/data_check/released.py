"""Is this the whole released data set?"""

from collections.abc import Sequence

from mmvg.data_check.findings import FindingReport
from mmvg.datasets.grefcoco import RELEASED_EXPRESSIONS
from mmvg.datasets.ocid_vlg import REPORTED_COUNTS as OCID_VLG
from mmvg.datasets.ocid_vlg import SPLITS as OCID_VLG_SPLITS
from mmvg.datasets.phrasecut import RELEASED_COUNTS as PHRASECUT
from mmvg.datasets.refcoco import RELEASED_COUNTS as REFCOCO


def compare_with_released(rows: Sequence[tuple], report: FindingReport) -> None:
    """Write down the splits whose counts are not those of the released files.

    Compared are RefCOCO/+/g, gRefCOCO (all splits together) and PhraseCut; and OCID-VLG with what users of the data
    report.

    Args:
        rows: (data set, file, split, refs, expressions, of them without a target, images).
        report: Where findings go.

    Example:
        >>> report = FindingReport()
        >>> compare_with_released([('refcoco', 'refs(unc).p', 'val', 3810, 10834, 0, 1500)], report)
        >>> report.errors[0].problem
        'count that is not the released one: 3810 refs instead of 3811'
    """
    for name, file, split, refs, expressions, _, images in rows:
        released = REFCOCO.get((name, file.partition('(')[2].partition(')')[0]), {}).get(split)
        found = dict(refs=refs, expressions=expressions, images=images)
        if name == 'phrasecut' and split in PHRASECUT:
            released = (PHRASECUT[split][0], PHRASECUT[split][0], PHRASECUT[split][1])
        if name == 'ocid_vlg':
            released = (OCID_VLG[file.partition('/')[0]][OCID_VLG_SPLITS.index(split)],)
        for (what, count), expected in zip(found.items(), released or (), strict=False):
            if expected not in (None, count):
                problem = f'count that is not the released one: {count} {what} instead of {expected}'
                report.found(problem, file, f'{name} {split}')
    total = sum(row[4] for row in rows if row[0] == 'grefcoco')
    if total not in (0, RELEASED_EXPRESSIONS):
        problem = f'count that is not the released one: {total} expressions instead of {RELEASED_EXPRESSIONS}'
        report.found(problem, 'grefs(unc).json', 'grefcoco, all splits')
