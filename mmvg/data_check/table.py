"""Counts and findings as tables for a terminal."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from mmvg.data_check.findings import Finding


def counts_table(rows: Sequence[tuple]) -> Table:
    """Make a table of what each split holds."""
    table = Table(title='what is there')
    for name in ('data set', 'file', 'split'):
        table.add_column(name)
    for name in ('refs', 'expressions', 'no target', 'images'):
        table.add_column(name, justify='right')
    for row in rows:
        table.add_row(*(f'{value:,}' if isinstance(value, int) else value for value in row))
    return table


def findings_table(findings: Sequence[Finding], most: int) -> Table:
    """Make a table of at most ``most`` findings, errors first."""
    ordered = sorted(findings, key=lambda finding: finding.level != 'error')
    table = Table(title='findings', show_lines=True)
    for name in ('level', 'file', 'record', 'problem', 'what to do'):
        table.add_column(name, overflow='fold')
    for finding in ordered[:most]:
        cells = (finding.level, finding.file, finding.record, finding.problem, finding.cure)
        table.add_row(*map(escape, cells))
    if len(ordered) > most:
        table.caption = f'and {len(ordered) - most} more; --most shows them'
    return table
