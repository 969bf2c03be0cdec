"""``mmvg compare``: is model B better than model A?"""

from enum import Enum
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmvg.cli.arguments import CfgOptions, parse_options

if TYPE_CHECKING:
    from mmvg.analysis.comparison import Comparison, ScoreLine

TableArgument = Annotated[
    Path, typer.Argument(help='A table of mmvg score --per-sample, or with --data what mmvg test --out wrote.')
]


#: Bytes that the first line of a table does not reach; answers may fill one line of any length.
_FIRST_LINE = 1 << 20


class Unit(str, Enum):
    """What is drawn together."""

    image = 'image'
    expression = 'expression'


def compare(
    first: TableArgument,
    second: TableArgument,
    data: Annotated[
        str | None, typer.Option(metavar='CONFIG', help='What A and B answer, and by which metrics they are scored.')
    ] = None,
    out_dir: Annotated[
        Path | None, typer.Option(metavar='DIR', help='Write a page (index.html) and tables (CSV) into this folder.')
    ] = None,
    score: Annotated[
        str | None, typer.Option(help='By which kinds and samples are compared, such as grec/F1; default: the first.')
    ] = None,
    names: Annotated[
        str | None, typer.Option(metavar='A,B', help='Of the models; default: those of the files.')
    ] = None,
    unit: Annotated[Unit, typer.Option(help='Expressions about an image are drawn together, or each by itself.')] = (
        Unit.image
    ),
    resamples: Annotated[int, typer.Option(min=100, help='Of the bootstrap.')] = 10_000,
    level: Annotated[float, typer.Option(help='Of the intervals.')] = 0.95,
    seed: Annotated[int, typer.Option(help='Of the bootstrap.')] = 0,
    num: Annotated[int, typer.Option(min=0, help='Samples on the page.')] = 24,
    pictures: Annotated[bool, typer.Option(help='Draw the samples of the page; needs --data.')] = True,
    cfg_options: CfgOptions = None,
) -> None:
    """Tell whether model B is better than model A, by how much, and on which expressions.

    mmvg score ... --per-sample a.jsonl; mmvg score ... --per-sample b.jsonl; mmvg compare a.jsonl b.jsonl

    Every score with the interval of its difference and a p-value (paired bootstrap), wins and losses by kind of
    expression, and with --out-dir the samples in which they differ most.
    """
    from mmvg.analysis.comparison import ScoreTable, compare_tables, write_comparison

    called = _names(first, second, names)
    cfg = None
    if data is None and cfg_options:
        raise typer.BadParameter('--cfg-options: of no effect without --data CONFIG; leave it out')
    if data is None:
        for path in (first, second):
            _refuse_answers(path)
        tables = [ScoreTable.read(path, name) for path, name in zip((first, second), called, strict=True)]
    else:
        from mmvg.apis import load_config
        from mmvg.apis.compare import table_of_answers

        cfg = load_config(data, parse_options(cfg_options))
        tables = [table_of_answers(cfg, path, name) for path, name in zip((first, second), called, strict=True)]
    comparison = compare_tables(*tables, score, resamples, level, seed, unit.value)
    _print(comparison)
    if out_dir is None:
        return
    drawn = {}
    if cfg is not None and pictures and num:
        from mmvg.apis.compare import pictures_of_answers

        keys = [line.row.key for line in comparison.samples[:num] if line.change]
        drawn = pictures_of_answers(cfg, (first, second), keys)
    files = write_comparison(comparison, out_dir, drawn, num)
    print(f'{", ".join(file.name for file in files)} are in {out_dir}')


def _names(first: Path, second: Path, names: str | None) -> tuple[str, str]:
    """Return what the models are called: by the user, or by as much of their paths as tells them apart.

    >>> _names(Path('a/preds.json'), Path('b/preds.json'), None)
    ('a/preds', 'b/preds')
    """
    if names is not None:
        given = [name.strip() for name in names.split(',')]
        if len(given) != 2 or not all(given) or given[0] == given[1]:
            raise typer.BadParameter(f'{names!r} is not two different names, such as LAVT,MagNet', param_hint='--names')
        return given[0], given[1]
    for parts in range(1, max(len(first.parts), len(second.parts)) + 1):
        made = tuple('/'.join(path.with_suffix('').parts[-parts:]) for path in (first, second))
        if made[0] != made[1]:
            return made
    return f'{first.stem} (A)', f'{second.stem} (B)'


def _refuse_answers(path: Path) -> None:
    """Say what to do with a file of answers that nobody says the data of; a table is known by its first line.

    Raises:
        ValueError: If it is one.
    """
    from mmvg.datasets.readers import parse_json

    with path.open('rb') as file:
        line = file.readline(_FIRST_LINE)
    try:
        about = parse_json(line)
    except ValueError:  # one object over many lines, or too long for the first line of a table
        about = None
    if not isinstance(about, dict) or 'protocol' not in about:
        raise ValueError(
            f'{path}: holds answers, or at least no scores of single expressions: say with --data CONFIG what they '
            'answer, or compare what mmvg score --per-sample wrote'
        )


def _print(comparison: 'Comparison') -> None:
    """Print scores and groups."""
    first, second = comparison.names
    print(f'A = {first}, B = {second}: {len(comparison.samples)} expressions count for {comparison.headline}')
    for note in comparison.notes:
        print(f'note: {note}')
    header = f'{"":32}{"A":>8}{"B":>8}{"B - A":>8}  {"interval":>18}{"p":>8}{"Holm":>8}  wins/ties/losses'
    print(f'\n{header}')
    for line in comparison.scores:
        print(_line(line.name, line))
    if comparison.groups:
        print(f'\n{comparison.headline} by group')
    for line in comparison.groups:
        print(_line(f'{line.aspect}={line.name}', line))
    settings = comparison.settings
    print(
        f'\n{comparison.conclusion()}\n'
        f'(paired bootstrap: {settings["resamples"]} resamples of {settings["units"]} {settings["unit"]}s, '
        f'seed {settings["seed"]}; Holm: p beside all lines of its table)'
    )


def _line(name: str, line: 'ScoreLine') -> str:
    found = line.difference
    change = found.second - found.first
    counts = '' if line.wins is None else f'{line.wins}/{line.ties}/{line.losses}'
    shown = f'{name:32}{found.first:8.2f}{found.second:8.2f}{change:+8.2f}  '
    if not isfinite(found.low):
        return f'{shown}{"too few for one":>18}{"":16}  {counts}'
    interval = f'{found.low:+.2f} to {found.high:+.2f}'
    return f'{shown}{interval:>18}{found.p_value:8.4f}{line.p_holm:8.4f}  {counts}'
