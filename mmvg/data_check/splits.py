"""What splits share with one another, and which are missing."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmvg.data_check.counts import Counts
from mmvg.data_check.findings import FindingReport
from mmvg.data_check.twins import Signature, same_files, same_pictures

EVALUATION = ('val', 'test', 'testA', 'testB')


def split_pairs(splits: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of splits that must share no picture: training with every evaluation, and these among them."""
    there = [split for split in ('train', *EVALUATION) if split in splits]
    yield from ((left, right) for i, left in enumerate(there) for right in there[i + 1 :])


def check_leakage(
    file: Path,
    counts: Mapping[str, Counts],
    names: Mapping[int | str, str],
    signatures: Mapping[int | str, Signature],
    report: FindingReport,
    level: str = 'error',
) -> None:
    """Find images that two splits share, under one name or as copies under two.

    Args:
        file: For findings.
        counts: Split -> what it holds.
        names: Image key -> what findings call it.
        signatures: Image key -> what tells its picture from others.
        report: Where findings go.
        level: Of images shared under one name.
    """
    for left, right in split_pairs(list(counts)):
        shared = counts[left].images & counts[right].images
        if shared:
            examples = ', '.join(sorted(names[key] for key in shared)[:3])
            where = f'{left} and {right}: {len(shared)} images, such as {examples}'
            report.found('image shared by splits', file, where, level)
        sides = [
            [signatures[key] for key in counts[split].images - shared if key in signatures] for split in (left, right)
        ]
        files = list(same_files(*sides))
        alike = [pair for pair in same_pictures(*sides) if pair not in files]
        for problem, pairs, severity in (
            ('one picture in two splits under two names', files, 'error'),
            ('pictures that look alike in two splits', alike, 'note'),
        ):
            if pairs:
                where = f'{left} and {right}: {len(pairs)}, such as {pairs[0][0].name} and {pairs[0][1].name}'
                report.found(problem, file, where, severity)


def check_presence(file: Path, counts: Mapping[str, Counts], expected: Sequence[str], report: FindingReport) -> None:
    """Note the splits that a file of this kind has and this one has not."""
    for split in expected:
        if split not in counts:
            report.found(f'no ref of split {split}', file, f'its splits are {", ".join(sorted(counts))}', 'note')
