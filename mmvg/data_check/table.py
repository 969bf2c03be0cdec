"""Counts and findings as tables for a terminal."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from mmvg.data_check.findings import Finding


def counts_table(rows: Sequence[tuple]) -> Table:
    """Make a table of what each split holds."""
    table = Table(title='what is there')
    for name in ('data set', 'file', 'split'):
        table.add_column(name)
    for name in ('refs', 'expressions', 'no target', 'images'):
        table.add_column(name, justify='right')
    for row in rows:
        table.add_row(*(f'{value:,}' if isinstance(value, int) else _plain(value) for value in row))
    return table


def findings_table(findings: Sequence[Finding], most: int) -> Table:
    """Make a table of at most ``most`` findings, errors first."""
    ordered = sorted(findings, key=lambda finding: finding.level != 'error')
    table = Table(title='findings', show_lines=True)
    for name in ('level', 'file', 'record', 'problem', 'what to do'):
        table.add_column(name, overflow='fold')
    for finding in ordered[:most]:
        cells = (finding.level, finding.file, finding.record, finding.problem, finding.cure)
        table.add_row(*map(_plain, cells))
    if len(ordered) > most:
        table.caption = f'and {len(ordered) - most} more; --most shows them'
    return table


def _plain(text: str) -> Text:
    """Show what a file says as text: no markup, and nothing that a terminal would obey."""
    return Text(''.join(c if c.isprintable() else repr(c)[1:-1] for c in text))
