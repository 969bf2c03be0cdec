"""A comparison as one page that needs nothing else: no network, no script, pictures inside."""

from collections.abc import Iterable, Mapping
from html import escape
from itertools import groupby
from math import isfinite

from mmvg.analysis.comparison.compare import Comparison, GroupLine, SampleLine, ScoreLine

_STYLE = """
:root { color-scheme: light dark; --line: #d0d4da; --soft: #f3f5f8; --good: #0072b2; --bad: #b34e00; --mute: #5b6470; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a414b; --soft: #20252c; --good: #56b4e9; --bad: #e69f00; --mute: #a3adba; }
  body { background: #14171b; color: #e8eaed; }
}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.lead { font-size: 1.1rem; border-left: 4px solid var(--good); padding: .5rem .8rem; background: var(--soft); }
.mute { color: var(--mute); font-size: .9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
tr.part th { text-align: left; background: var(--soft); }
.up { color: var(--good); } .down { color: var(--bad); }
svg { vertical-align: middle; color: inherit; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; margin: .8rem 0; }
article p { margin: .2rem 0; overflow-wrap: anywhere; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: .6rem; margin-top: .5rem; }
figure { margin: 0; } figure img { width: 100%; height: auto; display: block; border-radius: .3rem; }
figcaption { font-size: .85rem; color: var(--mute); }
"""


def comparison_page(comparison: Comparison, pictures: Mapping[tuple, list[str]], num: int = 24) -> str:
    """Write a comparison as HTML.

    Args:
        comparison: What to show.
        pictures: By the ids of an expression, what is drawn of it: truth, A and B, as addresses that hold the picture
            (``data:image/...``). Samples without are shown as text.
        num: How many samples to show, those that differ most.

    Returns:
        The page, which loads nothing.

    Example:
        >>> from mmvg.analysis.comparison import ScoreTable, compare_tables
        >>> from mmvg.scoring import SampleRow
        >>> row = SampleRow(dict(dataset='a', img_id=1, ref_id=1, sent_id=1), 'the mug', parts={'rec/P@0.5': (1, 1)})
        >>> found = compare_tables(ScoreTable('LAVT', [row]), ScoreTable('MagNet', [row]), resamples=100)
        >>> comparison_page(found, {}).splitlines()[0]
        '<!DOCTYPE html>'
    """
    first, second = map(escape, comparison.names)
    parts = [
        f'<h1>{first} and {second}</h1>',
        f'<p class="lead">{escape(comparison.conclusion())}</p>',
        f'<p class="mute">{escape(_about(comparison))}</p>',
        *(f'<p class="mute">{escape(note)}</p>' for note in comparison.notes),
        '<h2>Scores</h2>',
        _table(comparison, [_row(line, line.name, comparison.scores) for line in comparison.scores]),
        f'<h2>{escape(comparison.headline)} by groups of expressions</h2>' if comparison.groups else '',
        _groups(comparison) if comparison.groups else '',
        _method(comparison),
        '<h2>Where they differ most</h2>',
        *_samples(comparison, pictures, num),
    ]
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # nothing is fetched and nothing runs, whatever a sentence or a file name says
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f'<title>{first} and {second}</title>\n<style>{_STYLE}</style>\n</head>\n'
    )
    return head + '<body>\n' + '\n'.join(filter(None, parts)) + '\n</body>\n</html>\n'


def _about(comparison: Comparison) -> str:
    protocol = ', '.join(f'{key}={value}' for key, value in comparison.protocol.items())
    parts = [f'{len(comparison.samples)} expressions count for {comparison.headline}.']
    parts += [f'Data: {comparison.data}.'] if comparison.data else []
    parts += [f'Protocol: {protocol}.'] if protocol else []
    return ' '.join(parts)


def _method(comparison: Comparison) -> str:
    settings = comparison.settings
    return (
        '<p class="mute">'
        f'B - A with its {100 * settings["level"]:g} % interval and two-sided p: paired bootstrap, percentiles of '
        f'{settings["resamples"]} resamples of {settings["units"]} {settings["unit"]}s, seed {settings["seed"]}; no p '
        f'is below {2 / (settings["resamples"] + 1):.2g}. Many numbers are tested at once: p (Holm) holds for all '
        'lines of a table together, p for one that was chosen before looking. Wins, ties and losses count expressions. '
        'An expression of several kinds is in each of their groups.</p>'
    )


def _table(comparison: Comparison, rows: Iterable[str]) -> str:
    first, second = map(escape, comparison.names)
    names = ['', first, second, 'B - A', 'interval', '', 'p', 'p (Holm)', 'B wins', 'ties', 'B loses', 'n']
    head = ''.join(f'<th>{name}</th>' for name in names)
    return f'<div class="wide"><table><tr>{head}</tr>\n' + '\n'.join(rows) + '\n</table></div>'


def _groups(comparison: Comparison) -> str:
    rows = []
    for aspect, lines in groupby(comparison.groups, key=lambda line: line.aspect):
        rows.append(f'<tr class="part"><th colspan="12">{escape(aspect)}</th></tr>')
        rows += [_row(line, line.name, comparison.groups) for line in lines]
    return _table(comparison, rows)


def _row(line: ScoreLine | GroupLine, name: str, lines: list) -> str:
    found = line.difference
    change = found.second - found.first
    told = isfinite(line.p_holm) and line.p_holm < 0.05
    style = f' class="{"up" if change > 0 else "down"}"' if told else ''
    counts = ['' if number is None else str(number) for number in (line.wins, line.ties, line.losses)]
    cells = [_number(found.first), _number(found.second), f'<b{style}>{_number(change, "+")}</b>']
    interval = f'{found.low:+.2f} to {found.high:+.2f}' if isfinite(found.low) else 'too few for one'
    cells += [interval, _bar(line, lines)]
    cells += [_number(found.p_value, digits=4), _number(line.p_holm, digits=4), *counts, str(line.count)]
    return f'<tr><td>{escape(name)}</td>' + ''.join(f'<td>{cell}</td>' for cell in cells) + '</tr>'


def _number(value: float, sign: str = '', digits: int = 2) -> str:
    return f'{value:{sign}.{digits}f}' if isfinite(value) else 'n/a'


def _bar(line: ScoreLine, lines: list) -> str:
    """Draw the interval and the difference on the scale that all lines share."""
    ends = [abs(end) for other in lines for end in (other.difference.low, other.difference.high) if isfinite(end)]
    low, high = line.difference.low, line.difference.high
    if not ends or not max(ends) or not isfinite(low):
        return ''
    at = [60 + 55 * value / max(ends) for value in (low, high, line.difference.second - line.difference.first)]
    return (
        '<svg width="120" height="14" role="img" aria-label="interval">'
        '<line x1="60" y1="0" x2="60" y2="14" stroke="currentColor" stroke-opacity=".3"/>'
        f'<line x1="{at[0]:.1f}" y1="7" x2="{at[1]:.1f}" y2="7" stroke="currentColor" stroke-width="2"/>'
        f'<circle cx="{at[2]:.1f}" cy="7" r="3.5" fill="currentColor"/></svg>'
    )


def _samples(comparison: Comparison, pictures: Mapping[tuple, list[str]], num: int) -> list[str]:
    different = [line for line in comparison.samples if round(abs(line.change), 9) > 0]
    shown = different[:num]
    if not shown:
        return ['<p>Both models get the same for every expression.</p>']
    lead = f'The {len(shown)} of {len(different)} expressions in which they differ most; samples.csv has all.'
    return [f'<p class="mute">{lead}</p>', *(_sample(comparison, line, pictures.get(line.row.key)) for line in shown)]


def _sample(comparison: Comparison, line: SampleLine, panels: list[str] | None) -> str:
    first, second = map(escape, comparison.names)
    better = second if line.change > 0 else first
    groups = ', '.join(name for aspect in ('kind', 'size') for name in line.groups.get(aspect, ()))
    where = f'{line.row.image or ""} {" ".join(f"{key}={value}" for key, value in line.row.id.items())}'
    text = (
        f'<p><b>“{escape(line.row.sentence)}”</b></p>'
        f'<p class="{"up" if line.change > 0 else "down"}">{better} is better: {first} {line.first:.1f}, '
        f'{second} {line.second:.1f} ({escape(comparison.headline)})</p>'
        f'<p class="mute">{escape(groups)} · {escape(where.strip())}</p>'
    )
    if panels:
        titles = [f'truth: {_targets(line.row.targets)}']
        titles += [f'A: {first} {line.first:.1f}', f'B: {second} {line.second:.1f}']
        figures = ''.join(
            f'<figure><img src="{escape(source)}" alt="{title}"><figcaption>{title}</figcaption></figure>'
            for source, title in zip(panels, titles, strict=True)
        )
        text += f'<div class="panels">{figures}</div>'
    return f'<article>{text}</article>'


def _targets(number: int) -> str:
    return 'nothing' if not number else f'{number} target{"s" if number > 1 else ""}'
