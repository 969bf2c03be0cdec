"""The configs that come with mmvg, for tests: each is read, checked and built once in a process.

What :func:`read` returns is a copy, and may be changed. What :func:`build` returns is shared, and may not.
"""

import argparse
import copy
import functools
import re
from pathlib import Path

import torch
from mmengine.config import Config, DictAction
from torch import nn

from mmvg.config import check_config, read_config
from mmvg.registry import MODELS

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(str(p.relative_to(ROOT / 'configs')) for p in (ROOT / 'configs').glob('[!_]*/*.py'))
#: Those of models of other libraries, which read pictures, text and weights their own way, and are not trained here.
FOREIGN = [config for config in CONFIGS if config.split('/')[0] in ('hf', 'mmdet')]
PAPERS = sorted({config.split('/')[0] for config in CONFIGS})


def parse_options(options: str) -> dict:
    """What ``--cfg-options`` makes of a line of options."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='*', action=DictAction)
    return parser.parse_args(['--cfg-options', *options.split()]).cfg_options


@functools.cache
def _read(config: str, options: str) -> Config:
    cfg = read_config(ROOT / 'configs' / config, parse_options(options))
    check_config(cfg)
    return cfg


def read(config: str, options: str = '') -> Config:
    """A copy of the checked ``configs/<config>`` with ``--cfg-options``; its settings are still in it."""
    return copy.deepcopy(_read(config, options))


@functools.cache
def build(config: str, options: str = '') -> nn.Module:
    """The model of ``configs/<config>``, without memory for its weights."""
    with torch.device('meta'):
        return MODELS.build(read(config, options).model)


def size(*modules: nn.Module) -> int:
    """Number of parameters."""
    return sum(p.numel() for module in modules for p in module.parameters())


@functools.cache
def tables(page: str) -> dict[tuple[str, ...], list[list[str]]]:
    """Rows of cells of every table of a Markdown file below ``configs/``, by the cells of its heading."""
    found, rows = {}, None
    for line in (ROOT / 'configs' / page).read_text(encoding='utf-8').splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if not line.startswith('|'):
            rows = None
        elif rows is None:
            found[tuple(cells)] = rows = []
        elif not set(line) <= set('| -:'):
            rows.append(cells)
    return found


def table(page: str, *heading: str) -> list[list[str]]:
    """Rows of cells of the table whose heading begins so."""
    return next(rows for cells, rows in tables(page).items() if cells[: len(heading)] == heading)


def config_of(link: str, folder: str) -> str:
    """The config that a Markdown link in ``configs/<folder>/README.md`` leads to, below ``configs/``."""
    target = re.fullmatch(r'\[\S+\]\((\S+)\)', link).group(1)
    return target.removeprefix('../') if target.startswith('../') else f'{folder}/{target}'


def step_with(argument: str, pipeline: list[dict]) -> dict:
    """The one step of a pipeline that has this argument."""
    (found,) = [step for step in pipeline if argument in step]
    return found


def drawn_folder(system: str) -> str:
    """Where below RefShapes the data of ``configs/<system>/tiny.py`` lie: grasps have a folder of their own."""
    return 'ocid_vlg' if read(f'{system}/tiny.py').data_root.endswith('ocid_vlg') else ''


def on_drawn_data(cfg: Config, root: Path, batch_size: int, folder: str = '') -> Config:
    """``cfg`` with loaders of drawn data in this process, whose words are those of RefShapes."""
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False, batch_size=batch_size)
        for dataset in loader.dataset.get('datasets', [loader.dataset]):
            dataset.data_root = str(root / folder)
            tokenize = step_with('tokenizer', dataset.pipeline)
            if len(tokenize.tokenizer) > 1:  # needs a file; CLIP's words come with mmvg
                tokenize.tokenizer = dict(type='mmvg.WordTokenizer', vocab_file=str(root / 'vocab.txt'))
    return cfg
