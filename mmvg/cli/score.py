"""``mmvg score`` and ``mmvg analyze``: files of predictions, without the model."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from mmvg.cli.arguments import CfgOptions, ConfigArgument, parse_options

PredictionsArgument = Annotated[str, typer.Argument(help='Written by mmvg test --out.')]


def score(
    config: ConfigArgument,
    predictions: PredictionsArgument,
    out: Annotated[Path | None, typer.Option(metavar='JSON', help='Write the scores to this file.')] = None,
    cfg_options: CfgOptions = None,
) -> None:
    """Score a file of predictions without the model.

    mmvg test CONFIG CHECKPOINT --out preds.json writes such a file, mmvg score CONFIG preds.json prints the same
    numbers to the last digit.
    """
    import json

    from mmvg.apis import load_config
    from mmvg.apis.rescore import score_predictions
    from mmvg.whole_files import write_whole

    scores = score_predictions(load_config(config, parse_options(cfg_options)), predictions)
    for name, value in scores.items():
        print(f'{name}: {value:.4f}')
    if out is not None:
        write_whole(out, json.dumps(scores, indent=2) + '\n')


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
    upright = loads_upright(cfg.test_dataloader.dataset.pipeline)
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
