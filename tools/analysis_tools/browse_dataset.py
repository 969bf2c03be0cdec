"""Draw what a pipeline delivers: image, expression and targets after all transforms.

    python tools/analysis_tools/browse_dataset.py configs/instancevg/refshapes.py --split train --num 30

Writes one picture per sample and a sheet of all, ``browse.png``.
"""

import argparse
import os.path as osp

import cv2
import numpy as np
from mmengine.config import DictAction

from mmvg.apis import load_config, run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='a config in Python')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train', help='which dataloader')
    parser.add_argument('--out-dir', help='default: work_dirs/<name of the config>/browse_<split>')
    parser.add_argument('--num', type=int, default=24, help='samples, spread evenly over the split')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='change the config')
    args = parser.parse_args()
    if args.num < 1:
        parser.error('--num must be at least 1')
    return args


def main() -> None:
    from mmvg.config.check import ConfigError

    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    if cfg.get(f'{args.split}_dataloader') is None:
        raise ConfigError([f'{args.split}_dataloader: missing, so there is nothing to browse'], args.config)

    import mmcv
    from mmengine.registry import init_default_scope
    from mmengine.utils import track_iter_progress

    from mmvg.registry import DATASETS
    from mmvg.visualization import GroundingVisualizer

    init_default_scope(cfg.get('default_scope', 'mmvg'))
    dataset = DATASETS.build(cfg[f'{args.split}_dataloader'].dataset)
    chosen = np.unique(np.linspace(0, len(dataset) - 1, min(args.num, len(dataset))).round().astype(int))
    out_dir = args.out_dir or osp.join(cfg.work_dir, f'browse_{args.split}')
    visualizer = GroundingVisualizer()
    items = []
    for index in track_iter_progress(chosen.tolist()):
        packed = dataset[index]
        image = np.ascontiguousarray(packed['inputs'].numpy().transpose(1, 2, 0))
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        items.append((image, packed['data_samples']))
        picture = visualizer.draw(*items[-1], frame='input')
        mmcv.imwrite(picture[..., ::-1], osp.join(out_dir, f'{index:06d}.png'))
    sheet = visualizer.contact_sheet(items, columns=6, frame='input')
    mmcv.imwrite(sheet[..., ::-1], osp.join(out_dir, 'browse.png'))
    print(f'\n{len(items)} of {len(dataset)} samples are drawn in {out_dir}; browse.png shows all of them')


if __name__ == '__main__':
    run_command(main)
