"""Show the best and the worst answers of a file of predictions, each on one sheet, and how right all of them are.

    python tools/analysis_tools/analyze_results.py CONFIG preds.json --out-dir work_dirs/analysis

Writes ``worst.png``, ``best.png`` and ``answers.csv`` (an expression per line, worst first).
"""

import argparse
import csv
from pathlib import Path

from mmengine.config import DictAction

from mmvg.apis import load_config, run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='the config whose test_dataloader is used')
    parser.add_argument('predictions', help='written by tools/test.py --out')
    parser.add_argument('--out-dir', type=Path, required=True, metavar='DIR', help='folder for sheets and table')
    parser.add_argument('--num', type=int, default=12, help='answers per sheet')
    parser.add_argument('--score-thr', type=float, default=0.7, help='instances that score more are drawn')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change the config')
    args = parser.parse_args()
    if args.num < 1:
        parser.error('--num must be at least 1')
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)

    import mmcv

    from mmvg.apis.rescore import answered_samples
    from mmvg.visualization import GroundingVisualizer
    from mmvg.visualization.answers import agreement, ground_truth, prediction

    rows = []
    for number, sample in enumerate(answered_samples(cfg, args.predictions)):
        shape = tuple(sample.ori_shape)
        truth = ground_truth(sample, 'original', shape)
        answer = prediction(sample, 'original', shape, args.score_thr)
        rows.append(
            (agreement(truth, answer), number, sample.text, sample.img_path, sample.no_target, answer.no_target)
        )
    rows.sort()
    args.out_dir.mkdir(parents=True, exist_ok=True)
    with (args.out_dir / 'answers.csv').open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(['agreement', 'expression', 'image', 'no target', 'answered nothing'])
        writer.writerows([f'{row[0]:.4f}', *row[2:]] for row in rows)
    sheets = dict(worst=rows[: args.num], best=rows[::-1][: args.num])
    wanted = {row[1] for sheet in sheets.values() for row in sheet}
    drawn = {n: s for n, s in enumerate(answered_samples(cfg, args.predictions)) if n in wanted}
    visualizer = GroundingVisualizer(score_thr=args.score_thr)
    for name, sheet in sheets.items():
        items = []
        for _, number, *_ in sheet:
            image = mmcv.imread(drawn[number].img_path, flag='color_ignore_orientation')[..., ::-1]
            items.append((image, drawn[number]))
        picture = visualizer.contact_sheet(items)
        mmcv.imwrite(picture[..., ::-1], str(args.out_dir / f'{name}.png'))
    mean = sum(row[0] for row in rows) / len(rows)
    print(f'{len(rows)} answers, mean agreement {mean:.3f}; worst.png, best.png and answers.csv are in {args.out_dir}')


if __name__ == '__main__':
    run_command(main)
