"""Score a checkpoint on the test split of a config: ``python tools/test.py CONFIG CHECKPOINT``."""

import argparse
import os

from mmengine.config import DictAction

from mmvg.apis import evaluate, load_config, run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='a config in Python')
    parser.add_argument('checkpoint', help='weights that fit the model key by key (.pth or .safetensors)')
    parser.add_argument('--work-dir', help='where logs go; default: work_dirs/<name of the config>')
    parser.add_argument('--out', metavar='JSON', help='write every prediction to this file')
    parser.add_argument('--show-dir', metavar='DIR', help='draw predictions beside the ground truth into this folder')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change the config, for example test_dataloader.batch_size=1; keys are checked',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by some launchers')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = load_config(args.config, args.cfg_options, args.work_dir, args.launcher)
    evaluate(cfg, args.checkpoint, out=args.out, show_dir=args.show_dir)


if __name__ == '__main__':
    run_command(main)
