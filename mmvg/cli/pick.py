"""``mmvg pick``: let a simulated robot do what a sentence says, or count how often it succeeds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmvg.cli.arguments import DeviceOption
from mmvg.cli.before_work import CommandError, check_folder

if TYPE_CHECKING:
    from mmvg.simulation import TableScene
    from mmvg.simulation.robot import Benchmark, Trial, TrialRecord

LAYOUT_NAMES = 'isolated, scattered, cluttered'
_REPORTED = 50  # trials between two reports


def pick(
    sentence: Annotated[str | None, typer.Argument(help='What to pick; without one, sentences are listed.')] = None,
    scene: Annotated[int | None, typer.Option(min=0, help='Which table, 0 by default; each is another one.')] = None,
    layout: Annotated[
        list[str] | None, typer.Option(metavar='LAYOUT', help=f'{LAYOUT_NAMES}; repeat it for a benchmark of several.')
    ] = None,
    model: Annotated[
        str | None, typer.Option(help='Who answers: a checkpoint, a model folder, hf://user/name or a name.')
    ] = None,
    config: Annotated[str | None, typer.Option(help='Of the model, if the checkpoint does not carry it.')] = None,
    oracle: Annotated[str | None, typer.Option(help='The truth answers: its mask, or a grasp that was tried.')] = None,
    baseline: Annotated[
        str | None, typer.Option(help='random: a grasp by chance; mask: grasps from the shape of the mask of --model.')
    ] = None,
    spoil: Annotated[
        str | None, typer.Option(help='Make the best grasp wrong: reversed (its angle) or half (its opening).')
    ] = None,
    robot: Annotated[str, typer.Option(help='iiwa, menagerie, or floating: a gripper without an arm.')] = 'iiwa',
    noise: Annotated[bool, typer.Option('--noise', help='Depth with the noise and holes of a real sensor.')] = False,
    benchmark: Annotated[bool, typer.Option('--benchmark', help='Count: layouts x objects x trials.')] = False,
    objects: Annotated[
        list[str] | None,
        typer.Option(metavar='KIND...', help='Of a benchmark, such as ball can; all kinds by default.'),
    ] = None,
    nothing: Annotated[
        bool | None,
        typer.Option('--nothing/--no-nothing', help='In a benchmark, ask for what is not there too (it does).'),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help='Of a benchmark, per object and layout; 20 by default.')
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help='Of the tables of a benchmark; 0 by default.')] = None,
    workers: Annotated[int | None, typer.Option(min=1, help='Processes of a benchmark; 1 by default.')] = None,
    out: Annotated[Path, typer.Option(metavar='DIR', help='Films, pictures and reports go there.')] = Path(
        'work_dirs/pick'
    ),
    film: Annotated[str | None, typer.Option(help='mp4 (the default) or gif.')] = None,
    device: DeviceOption = None,
) -> None:
    """Let a simulated robot pick what a sentence means.

    mmvg pick "the red mug by its handle" --scene 7 --oracle mask

    A camera at the wrist of the arm takes a picture; --model, --oracle or --baseline answers; depth and the hand-eye
    matrix turn the grasp into a pose; the arm approaches, closes, lifts, and lets go above a bin. The picture with the
    answer and a film go to --out. --benchmark does it for many tables, and counts successes and causes of failure.
    """
    from mmvg.checks import check_choice

    check_folder('--out', out)
    check_choice('--film', film or 'mp4', ('mp4', 'gif'))
    of_one = {'a sentence': sentence, '--scene': scene, '--film': film}
    of_many = {'--objects': objects, '--nothing': nothing, '--trials': trials, '--seed': seed, '--workers': workers}
    for option, value in (of_one if benchmark else of_many).items():
        if value is not None:
            raise CommandError(f'{option} means nothing {"with" if benchmark else "without"} --benchmark')
    if len(layout or ()) > 1 and not benchmark:
        raise CommandError('several --layout mean nothing without --benchmark')
    if device is not None and model is None:
        raise CommandError('--device means nothing without --model')
    if config is not None and model is None:
        raise typer.BadParameter('--config needs --model: the weights', param_hint='--config')
    from mmvg.simulation import KINDS, LAYOUTS
    from mmvg.simulation.robot import NOTHING, ROBOTS, Benchmark

    for name in layout or ():
        check_choice('--layout', name, LAYOUTS)
    for name in objects or ():
        check_choice('--objects', name, tuple(KINDS))
    check_choice('--robot', robot, ROBOTS)
    if model is None and baseline is None and oracle is None:
        oracle = 'mask'
    answerer = dict(oracle_name=oracle, model=config or model, weights=model if config else None)
    answerer |= dict(baseline=baseline, spoil=spoil, device=device)
    if benchmark:
        kinds = (*(objects or KINDS), *([] if nothing is False else [NOTHING]))
        answerer['seed'] = seed or 0
        settings = Benchmark(kinds, tuple(layout or LAYOUTS), trials or 20, robot, seed or 0, noise, answerer)
        _count(settings, workers or 1, out)
    else:
        _show(sentence, scene or 0, (layout or ['scattered'])[0], robot, noise, answerer, out, film or 'mp4')


def _show(
    sentence: str | None,
    number: int,
    layout: str,
    robot: str,
    noise: bool,
    answerer: dict[str, str | None],
    out: Path,
    film: str,
) -> None:
    """One attempt on one table, with a picture and a film."""
    import numpy as np

    from mmvg.pictures import write_image
    from mmvg.simulation import draw_table
    from mmvg.simulation.robot import make_answerer, read_sentence, try_sentence
    from mmvg.simulation.robot.benchmark import lifting_grasps
    from mmvg.simulation.robot.pictures import Film, draw_answer

    answer = make_answerer(**answerer)
    table = draw_table(number, layout)
    if sentence is None:
        print(f'On table {number} ({layout}) one can ask:')
        print('\n'.join(f'  "{known.text}"' for known in table.sentences))
        return
    asked = read_sentence(table, sentence)
    tried = None
    if answerer['oracle_name'] == 'grasp' and asked.targets:
        tried = lifting_grasps(table, asked.targets[0], asked.part)
    watch = Film()
    source = np.random.default_rng(number) if noise else None
    trial = try_sentence(table, asked, answer, robot, source, tried, watch)
    out.mkdir(parents=True, exist_ok=True)
    picture = draw_answer(trial.question.view.image, trial.answer, trial.grasp)
    write_image(out / f'answer_{number}.png', picture)
    print(_said(trial, table))
    print(f'the answer is drawn in {out / f"answer_{number}.png"}')
    if watch.frames:
        path = out / f'pick_{number}.{film}'
        watch.write(path, picture[..., ::-1])
        print(f'the film is {path}')


def _said(trial: 'Trial', table: 'TableScene') -> str:
    sentence = trial.question.sentence
    meant = ' and '.join(f'the {table.objects[index].colour} {table.objects[index].kind}' for index in sentence.targets)
    result = f'"{sentence.text}" means {meant or "nothing on this table"}: {trial.attempt.outcome.value}'
    return f'{result}. {trial.attempt.detail[:1].upper()}{trial.attempt.detail[1:]}'.rstrip('. ')


def _count(settings: 'Benchmark', workers: int, out: Path) -> None:
    """Run a benchmark, with progress, and write its report."""
    from rich.progress import track

    from mmvg.simulation.robot import run_benchmark
    from mmvg.simulation.robot.report import cause_table, success_table, write_report

    total = len(settings.objects) * len(settings.layouts) * settings.trials
    answered = settings.answerer
    who = answered['model'] or (f'oracle {answered["oracle_name"]}' if answered['oracle_name'] else 'chance')
    more = [answered['baseline'] if answered['model'] else None, answered['spoil']]
    title = ', '.join([str(who), *(str(word) for word in more if word), f'robot {settings.robot}'])
    records: list[TrialRecord] = []
    for record in track(run_benchmark(settings, workers), 'picking', total=total, transient=True):
        records.append(record)
        if len(records) % _REPORTED == 0:  # what is done stays done if the rest is interrupted
            write_report(out, settings, records, title)
    written = write_report(out, settings, records, title)
    print(success_table(records, settings.layouts))
    print(f'\n{cause_table(records, settings.layouts)}\n')
    for path in written:
        print(f'written: {path}')
