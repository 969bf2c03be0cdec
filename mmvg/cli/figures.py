"""``mmvg figure``: the figures of the papers, from one's own models."""

from collections.abc import Sequence
from enum import Enum
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmvg.cli.arguments import CfgOptions, ConfigArgument, DeviceOption, parse_options
from mmvg.cli.before_work import CommandError, check_picture

if TYPE_CHECKING:
    import numpy as np

CheckpointArgument = Annotated[
    str, typer.Argument(help='Weights, a model folder, or the name of a model that comes with mmvg.')
]
OutOption = Annotated[Path, typer.Option(metavar='FILE', help='The picture: .png, .jpg, and .svg or .pdf for bars.')]
SamplesOption = Annotated[
    list[int] | None,
    typer.Option(metavar='N...', help='Which samples of the test split, from 0; default: some of all.'),
]
CountOption = Annotated[int, typer.Option(min=1, help='How many samples, spread evenly over the split.')]
ThresholdOption = Annotated[float | None, typer.Option('--score-thr', help='What scores more is found.')]
ModelsArgument = Annotated[
    list[str], typer.Argument(metavar='NAME=CHECKPOINT...', help='Rows; OPTIONS of the config may follow, in quotes.')
]


class Part(str, Enum):
    """What stands for an image."""

    target = 'target'
    image = 'image'


def sheet(
    config: ConfigArgument,
    checkpoint: CheckpointArgument,
    beside: Annotated[
        list[str] | None,
        typer.Option(metavar='CONFIG:CHECKPOINT', help='A further model, chosen from as well; OPTIONS may follow.'),
    ] = None,
    out: OutOption = Path('sheet.png'),
    count: CountOption = 6,
    of: Annotated[int, typer.Option(min=1, help='Answers of each model that the sheet is chosen from.')] = 200,
    columns: Annotated[int, typer.Option(min=1, help='Samples per row.')] = 2,
    score_thr: ThresholdOption = None,
    device: DeviceOption = None,
    cfg_options: CfgOptions = None,
) -> None:
    """Draw a few large, varied answers: right ones of each kind of question, and a wrong one.

    mmvg figure sheet instancevg/refshapes instancevg_refshapes --count 6

    Chosen by a rule, not by eye: kinds of questions take turns, and of each the answer in the middle is shown.
    """
    check_picture('--out', out)
    models = [(config, checkpoint, [])]
    for word in beside or ():
        pair, *options = word.split()
        models.append((*_config_and_checkpoint(pair), options))
    from mmvg.apis.figures import FigureData, answered, open_figure_model
    from mmvg.visualization import GroundingVisualizer
    from mmvg.visualization.varied_sheet import choose_varied, question_kind

    visualizer = GroundingVisualizer(score_thr=score_thr)
    opened, places, kinds, agreements = [], [], [], []
    for name, weights, options in models:
        cfg = _config(name, [*(cfg_options or ()), *options])
        opened.append((open_figure_model(cfg, weights, device), cfg))
        data = FigureData(cfg, count=of)
        for number, sample in zip(data.numbers, answered(opened[-1][0], data), strict=True):
            places.append((len(opened) - 1, number))
            kinds.append((len(opened) - 1, question_kind(sample)))
            agreements.append(visualizer.agreement(data.image(sample), sample))
    chosen, right = choose_varied(kinds, agreements, count)
    items = []
    for which, number in (places[index] for index in chosen):  # once more, so that not all pictures are kept
        model, cfg = opened[which]
        data = FigureData(cfg, [number])
        items += [(data.image(sample), sample) for sample in answered(model, data)]
    _save(visualizer.contact_sheet(items, columns), out)
    print(f'{len(chosen)} of {len(kinds)} answers are drawn in {out}; {100 * right:.0f} % of those are right')


def queries(
    config: ConfigArgument,
    checkpoint: CheckpointArgument,
    out: OutOption = Path('queries.png'),
    samples: SamplesOption = None,
    count: CountOption = 4,
    most: Annotated[int, typer.Option(min=1, help='Queries of each sample.')] = 6,
    score_thr: ThresholdOption = None,
    device: DeviceOption = None,
    cfg_options: CfgOptions = None,
) -> None:
    """Draw what each query found: a panel with its point, box, mask and score.

    mmvg figure queries instancevg/refshapes instancevg_refshapes --samples 3 14
    """
    check_picture('--out', out)
    from mmvg.apis.figures import FigureData, answered, open_figure_model
    from mmvg.visualization.figures import draw_queries

    cfg = _config(config, cfg_options)
    model, data = open_figure_model(cfg, checkpoint, device), FigureData(cfg, samples, count)
    rows = [draw_queries(data.image(one), one, score_thr, most=most) for one in answered(model, data)]
    _write(rows, out)
    print(f'the queries of {len(rows)} samples are drawn in {out}')


def attention(
    config: ConfigArgument,
    checkpoint: CheckpointArgument,
    out: OutOption = Path('attention.png'),
    samples: SamplesOption = None,
    count: CountOption = 4,
    layers: Annotated[
        list[str] | None,
        typer.Option(metavar='NAME...', help='Attentions, such as *decoder*; default: the last with words, or of all.'),
    ] = None,
    words: Annotated[int, typer.Option(min=1, help='Of a sentence, those that look most differently.')] = 3,
    list_: Annotated[bool, typer.Option('--list', help='Print which attentions there are, and draw nothing.')] = False,
    score_thr: ThresholdOption = None,
    device: DeviceOption = None,
    cfg_options: CfgOptions = None,
) -> None:
    """Draw where a model looks: any attention between the image and words, queries or anchors.

    mmvg figure attention lggd/refshapes lggd_refshapes --samples 3 14
    """
    check_picture('--out', out)
    from mmvg.analysis.attention_maps import maps_to_show
    from mmvg.apis.figures import FigureData, answered_with_attention, open_figure_model
    from mmvg.visualization.figures import draw_attention_maps

    cfg = _config(config, cfg_options)
    model, data = open_figure_model(cfg, checkpoint, device), FigureData(cfg, samples, 1 if list_ else count)
    rows = []
    for sample, maps, index in answered_with_attention(model, data):
        if list_:
            for one in maps:
                of = 'words' if one.of_words else f'{one.weights.shape[1]} queries'
                print(f'{one.name}: {of}, {" x ".join(map(str, one.weights.shape[2:]))} cells')
            return
        shown, chosen = [], _chosen(maps, layers)
        for one in chosen:
            found = maps_to_show(one, index, data.words(sample), words)
            shown += [(title if len(chosen) == 1 else f'{title}: {one.name}', values) for title, values in found]
        rows.append(draw_attention_maps(data.image(sample), sample, shown, score_thr))
    _write(rows, out)
    print(f'the attention of {len(rows)} samples is drawn in {out}')


def cover(
    config: ConfigArgument,
    models: ModelsArgument,
    out: OutOption = Path('cover.png'),
    count: CountOption = 500,
    device: DeviceOption = None,
) -> None:
    """Draw CoverAcc of several models or settings, the share of targets that hold a query's point.

    mmvg figure cover instancevg/refshapes
    "top k=instancevg_refshapes model.neck.query_generator.point_selector=topk" "dynamic=instancevg_refshapes"
    """
    check_picture('--out', out, plot=True)
    from mmvg.apis.figures import cover_acc
    from mmvg.visualization.figures import draw_bars

    rows = {}
    for name, checkpoint, options in _rows(models):
        rows[name] = dict(CoverAcc=cover_acc(_config(config, options), checkpoint, count, device))
        print(f'{name}: CoverAcc {rows[name]["CoverAcc"]:.2f}')
    draw_bars(rows, out, f'{count} samples at most', from_zero=False)


def similarity(
    models: Annotated[
        list[str],
        typer.Argument(metavar='NAME=CONFIG:CHECKPOINT...', help='Models to compare, each with its config.'),
    ],
    out: OutOption = Path('similarity.png'),
    count: CountOption = 1000,
    part: Annotated[Part, typer.Option(help='The cells of the target, or all cells of the image.')] = Part.target,
    device: DeviceOption = None,
    cfg_options: CfgOptions = None,
) -> None:
    """Draw how similar sentences are to images that they mean, and to others, after a linear probe.

    mmvg figure similarity LAVT=lavt/refshapes:lavt.pth "with Mask Grounding=magnet/refshapes:magnet.pth"
    """
    check_picture('--out', out, plot=True)
    from mmvg.apis.figures import similarity as probe
    from mmvg.visualization.figures import draw_distributions

    rows = [
        (name, *_config_and_checkpoint(rest, word, 'NAME=CONFIG:CHECKPOINT')) for word, name, rest in _named(models)
    ]
    groups = {}
    for name, config, checkpoint in rows:
        found = probe(_config(config, cfg_options), checkpoint, count, part.value, device)
        print(f'{name}: matching {found.matching.mean():.3f}, others {found.others.mean():.3f}, gap {found.gap:.3f}')
        groups[name] = dict(matching=found.matching, others=found.others)
    draw_distributions(groups, out, 'cosine similarity after a linear probe')


def bars(
    metafiles: Annotated[
        list[Path], typer.Argument(metavar='METAFILE...', help='metafile.yml of configs, with the results to draw.')
    ],
    dataset: Annotated[str, typer.Option(help='Data set and split, such as "RefShapes small val".')],
    metrics: Annotated[list[str] | None, typer.Option(metavar='METRIC...', help='Scores; default: all.')] = None,
    source: Annotated[str | None, typer.Option(help='Such as paper or "trained here"; default: all.')] = None,
    out: OutOption = Path('bars.png'),
    from_zero: Annotated[bool, typer.Option(help='Let the axis begin at 0.')] = True,
) -> None:
    """Draw the results of metafiles as bars, a colour for each model.

    mmvg figure bars configs/cris/metafile.yml configs/segvlm/metafile.yml --dataset "PhraseCut test"
    """
    check_picture('--out', out, plot=True)
    from mmvg.apis.model_index import results_of
    from mmvg.visualization.figures import draw_bars

    rows = results_of(metafiles, dataset, metrics, source)
    draw_bars(rows, out, dataset, from_zero=from_zero)
    print(f'{len(rows)} rows are drawn in {out}')


def _config_and_checkpoint(pair: str, word: str = '', form: str = 'CONFIG:CHECKPOINT') -> tuple[str, str]:
    """Split ``pair`` at its first colon; an error quotes ``word``, by default the pair, and the ``form`` it lacks."""
    config, _, checkpoint = pair.partition(':')
    if not checkpoint:
        raise CommandError(f'{word or pair!r} is not {form}')
    return config, checkpoint


def _config(config: str, options: Sequence[str] | None):
    from mmvg.apis import load_config

    return load_config(config, parse_options(options))


def _named(words: Sequence[str]) -> list[tuple[str, str, str]]:
    """Split each word at its first "=": the word, the name and the rest.

    Raises:
        CommandError: If two have the same name, and would overwrite one another.
    """
    split = [(word, *word.partition('=')[::2]) for word in words]
    names = [name for _, name, _ in split]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise CommandError(f'two rows are called {twice!r}; give each a name of its own')
    return split


def _rows(words: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    """Name, checkpoint and options of the config of each row."""
    rows = []
    for word, name, rest in _named(words):
        if not rest.split():
            raise CommandError(f'{word!r} is not NAME=CHECKPOINT, with options of the config behind it if need be')
        checkpoint, *options = rest.split()
        rows.append((name, checkpoint, options))
    return rows


def _chosen(maps: list, patterns: Sequence[str] | None) -> list:
    """The attentions whose names fit a pattern; by default the last whose words can be told, or the last of all.

    Raises:
        CommandError: If none fits, or there is none; names those that there are.
    """
    if not maps:
        raise CommandError('this model has no attention between image and text that can be read')
    if not patterns:
        return [next((one for one in reversed(maps) if one.of_words), maps[-1])]
    found = [one for one in maps if any(fnmatch(one.name, pattern) for pattern in patterns)]
    if not found:
        raise CommandError(
            f'no attention is called {" or ".join(patterns)}; there are {", ".join(m.name for m in maps)}'
        )
    return found


def _write(rows: list, out: Path) -> None:
    from mmvg.visualization import drawing

    _save(drawing.grid(rows, columns=1, gap=16), out)


def _save(picture: 'np.ndarray', out: Path) -> None:
    from mmvg.pictures import write_image

    out.parent.mkdir(parents=True, exist_ok=True)
    write_image(out, picture[..., ::-1])
