"""Check and convert data.

python tools/data.py check data/refshapes
python tools/data.py check configs/instancevg/grefcoco.py
python tools/data.py convert configs/instancevg/refshapes.py --out data/mine/all.jsonl
python tools/data.py convert data/mine/all.jsonl --out data/mine/grefcoco
python tools/data.py pack data --split train
"""

import argparse
import sys
from pathlib import Path

from mmvg.apis import load_config, run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    check = commands.add_parser('check', help='find everything that is wrong; exit code 1 if there is something')
    check.add_argument('target', help='a data root, a .jsonl file, or a config')
    check.add_argument('--images', metavar='DIR', help='image folder below the root; the usual ones are found')
    check.add_argument('--headers-only', action='store_true', help='do not decode the pixels of the images')
    check.add_argument('--released', action='store_true', help='compare the counts with those of the released files')
    check.add_argument('--most', type=int, default=40, metavar='N', help='findings to print; all are counted')
    convert = commands.add_parser('convert', help='to JSON lines, and from JSON lines to the files of gRefCOCO')
    convert.add_argument('source', help='a config, whose dataloaders are read, or a .jsonl file')
    convert.add_argument('--out', type=Path, required=True, help='a .jsonl file, or a folder for gRefCOCO files')
    convert.add_argument('--splits', nargs='+', help='of a .jsonl: its splits, by default train, val and test')
    convert.add_argument('--images', default='images', metavar='DIR', help='of a .jsonl: image folder beside it')
    pack = commands.add_parser('pack', help='PhraseCut into one LMDB file per split')
    pack.add_argument('root', help='the data root, which has the folder VGPhraseCut_v0')
    pack.add_argument('--split', required=True, help='train, val, miniv, val_miniv or test')
    pack.add_argument('--out', type=Path, metavar='FILE', help='by default ROOT/VGPhraseCut_v0/SPLIT.lmdb')
    pack.add_argument('--force', action='store_true', help='replace the file if it is there')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.command == 'check':
        sys.exit(check(args))
    if args.command == 'pack':
        pack(args)
    else:
        convert(args)


def check(args: argparse.Namespace) -> int:
    """Print tables of counts and findings; 1 if there are errors."""
    from rich.console import Console

    from mmvg.data_check import check_config_data, check_folder, compare_with_released
    from mmvg.data_check.table import counts_table, findings_table

    console = Console(width=None if sys.stdout.isatty() else 160)
    with console.status('checking') as status:
        if args.target.endswith('.py'):
            result = check_config_data(load_config(args.target), not args.headers_only, status.update)
        else:
            result = check_folder(args.target, args.images, not args.headers_only, status.update)
    if args.released:
        compare_with_released(result.counts, result.report)
    if result.counts:
        console.print(counts_table(result.counts))
    if result.report.findings:
        console.print(findings_table(result.report.findings, args.most))
    errors, notes = len(result.report.errors), len(result.report.findings) - len(result.report.errors)
    console.print(f'{errors} errors, {notes} notes')
    return 1 if errors else 0


def convert(args: argparse.Namespace) -> None:
    """Write the other format."""
    from mmvg.datasets import JSONLDataset
    from mmvg.datasets.writers import write_grefcoco, write_json_lines

    if args.source.endswith('.py'):
        if args.out.suffix != '.jsonl':
            raise ValueError(f'--out {args.out}: a config is converted to JSON lines, whose name ends in .jsonl')
        from mmengine.registry import init_default_scope

        from mmvg.registry import DATASETS

        cfg = load_config(args.source)
        init_default_scope(cfg.get('default_scope', 'mmvg'))
        written = 0
        for split in ('train', 'val', 'test'):
            if (loader := cfg.get(f'{split}_dataloader')) is not None:
                settings = {**loader['dataset'], 'pipeline': []}
                name = settings.get('split', split)
                if split == 'test' and settings == {**cfg.val_dataloader['dataset'], 'pipeline': []}:
                    continue
                written += write_json_lines(DATASETS.build(settings), args.out, name, append=written > 0)
        print(f'{written} expressions are in {args.out}')
        return
    source = Path(args.source)
    if args.out.suffix == '.jsonl':
        raise ValueError(f'--out {args.out}: JSON lines are converted to a folder of gRefCOCO files')
    from mmvg.datasets import DataError

    datasets = {}
    for split in args.splits or ('train', 'val', 'test'):
        try:
            datasets[split] = JSONLDataset(source.name, split, data_root=str(source.parent), img_prefix=args.images)
        except DataError as error:
            if args.splits or 'no usable line' not in str(error):
                raise
    if not datasets:
        raise ValueError(f'{source}: no line of split train, val or test; name its splits with --splits')
    print(f'{write_grefcoco(datasets, args.out)} expressions are in {args.out}')


def pack(args: argparse.Namespace) -> None:
    """Write an LMDB file."""
    from mmvg.datasets import PhraseCutDataset
    from mmvg.datasets.readers import write_phrasecut_lmdb

    files = PhraseCutDataset(args.split, data_root=args.root, mode='tolerant')  # checks the files
    out = args.out or Path(args.root) / 'VGPhraseCut_v0' / f'{args.split}.lmdb'
    tasks, images = write_phrasecut_lmdb(
        out, args.split, files.task_files, files.files['images'], files.image_folder, args.force
    )
    print(f'{tasks} tasks and {images} images, {out.stat().st_size / 2**20:.1f} MiB, are in {out}')


if __name__ == '__main__':
    run_command(main)
