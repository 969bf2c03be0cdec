"""Score a file of predictions again, without the model.

    python tools/analysis_tools/eval_metric.py CONFIG preds.json

``tools/test.py CONFIG CHECKPOINT --out preds.json`` writes such a file; the numbers are the same to the last digit.
"""

import argparse

from mmengine.config import DictAction

from mmvg.apis import load_config, run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='the config whose test_dataloader and test_evaluator are used')
    parser.add_argument('predictions', help='written by tools/test.py --out')
    parser.add_argument('--out', metavar='JSON', help='write the scores to this file')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change the config, such as the metric'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)

    import json
    from pathlib import Path

    from mmvg.apis.rescore import score_predictions

    scores = score_predictions(cfg, args.predictions)
    for name, value in scores.items():
        print(f'{name}: {value:.4f}')
    if args.out:
        Path(args.out).write_text(json.dumps(scores, indent=2) + '\n')


if __name__ == '__main__':
    run_command(main)
