"""The commands and their names."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.core import TyperCommand, TyperGroup

from mmvg.cli import ask, calibrate, compare, data, export, figures, label, measure, models, pick, run, score, serve
from mmvg.cli.arguments import normalise
from mmvg.version import __version__


class _DefaultGroup(TyperGroup):
    """A group whose first command is meant where no other is named: ``mmvg demo scene.jpg "the mug"``.

    Its second command is meant where nothing is named: ``mmvg demo``.
    """

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:
        first, without_words, *_ = self.commands
        if not args:
            args = [without_words]
        elif args[0] not in self.commands and args[0] not in ('--help', '-h'):
            args = [first, *args]
        return super().parse_args(ctx, args)


_SETTINGS = {'help_option_names': ['-h', '--help']}
app = typer.Typer(
    name='mmvg',
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=_SETTINGS,
)
_demo = typer.Typer(cls=_DefaultGroup, help='Ask sentences about a drawn picture, your own, films, or on a page.')
_figure = typer.Typer(no_args_is_help=True, help='Draw the figures of the papers, from your models.')
_data = typer.Typer(no_args_is_help=True, help='Check, convert, pack, draw and browse data.')


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option('--version', '-V', help='Print the version.')] = False) -> None:
    """Language-guided visual grounding: train, test, ask, score."""
    if version:
        print(f'mmvg {__version__}')
        raise typer.Exit


app.command('train')(run.train)
app.command('test')(run.evaluate)
app.add_typer(_demo, name='demo')
_demo.command('image')(ask.image)
_demo.command('scene')(ask.scene)
_demo.command('video')(ask.video)
_demo.command('web')(ask.web)
app.command('score')(score.score)
app.command('analyze')(score.analyze)
app.command('compare')(compare.compare)
app.command('calibrate')(calibrate.calibrate)
app.add_typer(_data, name='data')
_data.command('check')(data.check)
_data.command('convert')(data.convert)
_data.command('pack')(data.pack)
_data.command('draw')(data.draw)
_data.command('scenes')(data.scenes)
_data.command('browse')(data.browse)
app.add_typer(_figure, name='figure')
_figure.command('sheet')(figures.sheet)
_figure.command('queries')(figures.queries)
_figure.command('attention')(figures.attention)
_figure.command('cover')(figures.cover)
_figure.command('similarity')(figures.similarity)
_figure.command('bars')(figures.bars)
app.command('pick')(pick.pick)
app.command('models')(models.models)
app.command('config')(models.config)
app.command('flops')(models.flops)
app.command('benchmark')(measure.benchmark)
app.command('curves')(measure.curves)
app.command('convert')(models.convert)
app.command('export')(export.export)
app.command('serve')(serve.serve)
app.command('label')(label.label)


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; ``argv`` stands in for the words after ``mmvg``."""
    _run([], 'mmvg', argv)


def run_script(*command: str) -> None:
    """Run the command behind a script: ``run_script('train')`` in ``tools/train.py``."""
    _run(command, sys.argv[0], None)


def find_command(words: Sequence[str]) -> tuple[TyperCommand | TyperGroup, list[str]]:
    """Return the command that ``words`` begin with, and the words that are left for it."""
    command, rest = typer.main.get_command(app), list(words)
    while isinstance(command, TyperGroup) and rest and rest[0] in command.commands:
        command, rest = command.commands[rest[0]], rest[1:]
    if isinstance(command, _DefaultGroup):
        command = list(command.commands.values())[0 if rest else 1]
    return command, rest


def _run(command: Sequence[str], name: str, argv: Sequence[str] | None) -> None:
    from mmvg.apis import run_command

    words = normalise([*command, *(sys.argv[1:] if argv is None else argv)])[len(command) :]
    target = typer.main.get_command(app) if not command else find_command(command)[0]
    try:
        run_command(lambda: target.main(args=words, prog_name=name))
    except SystemExit as end:  # also raised at the end of what went well
        if end.code:
            raise
