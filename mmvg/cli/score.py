"""``mmvg score`` and ``mmvg analyze``: files of predictions, without the model."""

import csv
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from mmvg.cli.arguments import CfgOptions, ConfigArgument, parse_options
from mmvg.cli.before_work import check_target

PredictionsArgument = Annotated[str, typer.Argument(help='Written by mmvg test --out.')]


class Misfit(str, Enum):
    """What may not fit between data and answers."""

    missing = 'missing'
    double = 'double'
    unknown = 'unknown'


def score(
    config: Annotated[
        str | None, typer.Argument(help='A config, to score what mmvg test --out wrote; else --data, --answers.')
    ] = None,
    predictions: Annotated[str | None, typer.Argument(help='Written by mmvg test --out.')] = None,
    data: Annotated[
        str | None, typer.Option(help='The truth: NAME:SPLIT such as refcoco:testA, a .jsonl file, or a config.')
    ] = None,
    answers: Annotated[str | None, typer.Option(metavar='JSONL', help='Answers of any model, a line each.')] = None,
    protocol: Annotated[
        str | None, typer.Option(help='rec, res, grec, gres, refzom, rref, phrasecut, ..., or the name of a metric.')
    ] = None,
    unit: Annotated[str | None, typer.Option(help='Of the boxes: pixel, permille or fraction.')] = None,
    frame: Annotated[
        str | None,
        typer.Option(
            help='Whose pixels, or whose sides: original (default), resized[:WxH], padded-center[:SIDE], padded-corner.'
        ),
    ] = None,
    layout: Annotated[str | None, typer.Option(help='The four numbers: xyxy (default), xywh, cxcywh or yxyx.')] = None,
    rule: Annotated[str | None, typer.Option(help='Which box counts: first, best_scored or all.')] = None,
    text_format: Annotated[
        str | None,
        typer.Option(help='Of texts: brackets, json, box_tags, location_tokens, florence2, paligemma, qwen, ...'),
    ] = None,
    nothing: Annotated[
        list[str] | None, typer.Option(metavar='TEXT', help='A text that says that nothing is meant.')
    ] = None,
    allow: Annotated[
        list[Misfit] | None, typer.Option(help='What may be, and is counted: missing, double or unknown answers.')
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option('--set', metavar='KEY=VALUE', help='A setting of the protocol, such as score_thr=0.5.'),
    ] = None,
    data_root: Annotated[str | None, typer.Option(metavar='DIR', help='Folder of the data.')] = None,
    split: Annotated[str | None, typer.Option(help='Of a .jsonl file; default: every line.')] = None,
    images: Annotated[str | None, typer.Option(metavar='DIR', help='Image folder below the data root.')] = None,
    processes: Annotated[int, typer.Option(min=1, help='Processes that score; the digits are the same.')] = 1,
    per_sample: Annotated[
        Path | None, typer.Option(metavar='JSONL', help='Write what each expression adds to each score.')
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar='JSON', help='Write the scores to this file.')] = None,
    cfg_options: CfgOptions = None,
) -> None:
    """Score a file of answers without the model.

    Of any model: mmvg score --data refcoco:testA --answers qwen.jsonl --protocol rec --text-format json --unit pixel
    --rule first. What is not declared is not guessed.

    Of a model of mmvg: mmvg test CONFIG CHECKPOINT --out preds.json, then mmvg score CONFIG preds.json prints the same
    numbers to the last digit.
    """
    import json

    from mmvg.whole_files import write_whole

    for option, path in (('--out', out), ('--per-sample', per_sample)):
        for source in filter(None, (data, answers, config, predictions)):
            check_target(option, path, source)
    if data is None and answers is None:
        if config is None or predictions is None:
            raise typer.BadParameter(
                'give --data, --answers and --protocol, or a config and what mmvg test --out wrote'
            )
        given = dict(protocol=protocol, unit=unit, frame=frame, layout=layout, rule=rule, text_format=text_format)
        given |= dict(nothing=nothing, allow=allow, set=setting, data_root=data_root, split=split, images=images)
        _refuse_options(given | dict(processes=processes > 1, per_sample=per_sample), 'a config and predictions')
        written = _score_own(config, predictions, cfg_options)
    else:
        if config is not None:
            raise typer.BadParameter(f'{config}: with --data and --answers, no config stands before them')
        if data is None or answers is None or protocol is None:
            raise typer.BadParameter('--data, --answers and --protocol go together')
        _refuse_options(dict(cfg_options=cfg_options), '--data and --answers')
        from mmvg.foundation import stay_light

        if ':' in data or data.endswith('.jsonl'):  # no config, so nothing of MMEngine is needed
            stay_light()
        from mmvg.scoring import open_truth, score_answers

        report = score_answers(
            open_truth(data, data_root, split, images),
            answers,
            protocol,
            dict(unit=unit, frame=frame, layout=layout, rule=rule, text_format=text_format, nothing=nothing),
            _settings(setting),
            [misfit.value for misfit in allow or ()],
            processes,
            per_sample,
        )
        print('\n'.join(report.lines()))
        written = vars(report)
    if out is not None:
        write_whole(out, json.dumps(written, indent=2) + '\n')


def _refuse_options(given: Mapping[str, Any], form: str) -> None:
    """Refuse options that have no effect in this form of the command.

    Args:
        given: Names of options and their values; what is empty was not given.
        form: What the command is given.

    Raises:
        typer.BadParameter: If one was given; names all of them.
    """
    if useless := ['--' + name.replace('_', '-') for name, value in given.items() if value]:
        raise typer.BadParameter(f'{", ".join(useless)}: of no effect with {form}; leave out what does not count')


def _score_own(config: str, predictions: str, cfg_options: list[str] | None) -> dict[str, float]:
    """Print the scores of predictions of mmvg, by the evaluator of the config."""
    from mmvg.apis.rescore import score_predictions
    from mmvg.config import check_config, read_config

    cfg = read_config(config, parse_options(cfg_options))
    check_config(cfg, only=('test_dataloader', 'test_evaluator'))  # no model is imported
    scores = score_predictions(cfg, predictions)
    for name, value in scores.items():
        print(f'{name}: {value:.4f}')
    return scores


def _settings(words: list[str] | None) -> dict[str, Any]:
    """Turn ``KEY=VALUE`` into a dict; a value is JSON, or else a word.

    >>> _settings(['score_thr=0.5', 'comparison=>'])
    {'score_thr': 0.5, 'comparison': '>'}
    """
    import json

    made: dict[str, Any] = {}
    for word in words or ():
        key, equals, value = word.partition('=')
        if not equals:
            raise typer.BadParameter(f'{word!r} is not KEY=VALUE', param_hint='--set')
        try:
            made[key] = json.loads(value)
        except json.JSONDecodeError:
            made[key] = value
    return made


def analyze(
    config: ConfigArgument,
    predictions: PredictionsArgument,
    out_dir: Annotated[Path, typer.Option(metavar='DIR', help='Folder for sheets and table.')],
    num: Annotated[int, typer.Option(min=1, help='Answers per sheet.')] = 12,
    score_thr: Annotated[
        float | None, typer.Option(help='What scores more is there; default: that of the answers.')
    ] = None,
    cfg_options: CfgOptions = None,
) -> None:
    """Draw the best and the worst answers of such a file.

    Writes worst.png, best.png and answers.csv (an expression per line, worst first).
    """
    from mmvg.apis import load_config

    cfg = load_config(config, parse_options(cfg_options))

    import mmcv

    from mmvg.apis.rescore import answered_samples
    from mmvg.datasets.loader_datasets import pipeline_of_loader
    from mmvg.datasets.transforms import loads_upright
    from mmvg.pictures import decode_picture
    from mmvg.visualization import GroundingVisualizer
    from mmvg.visualization.layers import agreement, ground_truth, prediction

    rows = []
    for number, sample in enumerate(answered_samples(cfg, predictions)):
        shape = tuple(sample.ori_shape)
        truth = ground_truth(sample, 'original', shape)
        answer = prediction(sample, 'original', shape, score_thr)
        rows.append(
            (agreement(truth, answer), number, sample.text, sample.img_path, sample.no_target, answer.no_target)
        )
    rows.sort()
    out_dir.mkdir(parents=True, exist_ok=True)
    with (out_dir / 'answers.csv').open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(['agreement', 'expression', 'image', 'no target', 'answered nothing'])
        writer.writerows([f'{row[0]:.4f}', *row[2:]] for row in rows)
    sheets = dict(worst=rows[:num], best=rows[::-1][:num])
    wanted = {row[1] for sheet in sheets.values() for row in sheet}
    drawn = {n: s for n, s in enumerate(answered_samples(cfg, predictions)) if n in wanted}
    visualizer = GroundingVisualizer(score_thr=score_thr)
    upright = loads_upright(pipeline_of_loader(cfg, 'test'))
    for name, sheet in sheets.items():
        items = []
        for _, number, *_ in sheet:
            path = drawn[number].img_path
            image = decode_picture(Path(path).read_bytes(), path, upright)
            items.append((image[..., ::-1], drawn[number]))
        picture = visualizer.contact_sheet(items)
        mmcv.imwrite(picture[..., ::-1], str(out_dir / f'{name}.png'))
    mean = sum(row[0] for row in rows) / len(rows)
    print(f'{len(rows)} answers, mean agreement {mean:.3f}; worst.png, best.png and answers.csv are in {out_dir}')
