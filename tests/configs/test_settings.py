"""Configs are small and set names: never positions, and each width once."""

import ast
import re

import pytest
import torch
from mmengine.runner import Runner
from shipped_configs import ROOT, drawn_folder, on_drawn_data, read

from mmvg.registry import MODELS

FILES = {str(file.relative_to(ROOT / 'configs')): file for file in sorted((ROOT / 'configs').rglob('*.py'))}
PAGES = sorted([*ROOT.glob('*.md'), *ROOT.glob('docs/*.md'), *ROOT.glob('data/*.md'), *ROOT.glob('configs/*/*.md')])
#: ``key.3.weight=1``, ``key.0=None`` or ``key.-1.x=2``, but neither ``key=0.5`` nor a file name.
POSITION = re.compile(r'[A-Za-z_]\w*(?:\.\w+)*\.-?\d+(?:\.\w+)*=')


def positions(tree: ast.Module) -> list[int]:
    """Lines that read or write an element or a slice of a list by its number."""
    subscripts = [node for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    return [node.lineno for node in subscripts if not is_key(node.slice)]


def is_key(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize('name', FILES)
def test_no_config_names_a_position(name):
    assert positions(ast.parse(FILES[name].read_text(encoding='utf-8'))) == []


def test_no_option_of_a_page_or_a_config_names_a_position():
    texts = {file.relative_to(ROOT): file.read_text(encoding='utf-8') for file in [*PAGES, *FILES.values()]}
    assert [f'{file}: {hit}' for file, text in texts.items() for hit in POSITION.findall(text)] == []


@pytest.mark.parametrize(
    'line',
    [
        'train_pipeline[2].scale = (480, 480)',
        'test_pipeline[4] = tokenize',
        'model.head.costs = model.head.costs[:3]',
        'custom_hooks[-1].interval = 4',
        'steps[index].size = 4',
    ],
)
def test_edits_by_position_are_recognised(line):
    assert positions(ast.parse(line)) == [1]


@pytest.mark.parametrize('option', ['val_evaluator.0.thr=1', 'match_costs.3.weight=5.0', 'a.b.-1.c=1', 'x.10=None'])
def test_options_by_position_are_recognised(option):
    assert POSITION.search(option)
    assert not POSITION.search('model.head.postprocess.mask_thr=0.5 lr=1e-4 train_cfg.max_epochs=10 "size=(1.5,2)"')


VARIANTS = [name for name, file in FILES.items() if re.search(r'^(dataset|version) = ', file.read_text(), re.MULTILINE)]


@pytest.mark.parametrize('name', [name for name in VARIANTS if not name.startswith('_base_')])
def test_a_variant_for_another_data_set_has_at_most_ten_lines(name):
    docstring, *statements = ast.parse(FILES[name].read_text(encoding='utf-8')).body
    assert isinstance(docstring.value, ast.Constant)
    assert sum(node.end_lineno - node.lineno + 1 for node in statements) <= 10


LAVT = ['size=96', 'channels=16', 'text_channels=32', 'stage_channels=(16,32,64,128)', 'max_length=9']
CRIS = ['size=32', 'embed_dims=32', 'channels=32', 'text_channels=32']
WIDTHS = {
    'cris': CRIS,
    'crog': ['size=(32,32)', *CRIS[1:]],
    'eevg': [
        'text_channels=16',
        'image_channels=16',
        'channels=16',
        'size=128',
        'max_length=9',
    ],
    'ggcnn': ['size=(48,48)', 'channels=6', 'map_channels=8', 'sentence_channels=12'],
    'grconvnet': ['size=(32,32)', 'channels=16', 'map_channels=8', 'sentence_channels=12'],
    'instancevg': ['size=96', 'channels=16', 'encoder_channels=32', 'num_queries=3'],
    'lavt': LAVT,
    'lggd': ['size=(32,32)', 'channels=16', 'sentence_channels=16', 'map_channels=8', 'top_channels=16'],
    'magnet': LAVT,
    'raam': [
        'text_channels=16',
        'stage_channels=(16,16,16,16) region_channels=(16,16,16) joined_channels=48',
        'size=64',
    ],
    'rela': LAVT,
    'segvlm': CRIS,
    'simvg': ['size=96', 'channels=16', 'encoder_channels=32', 'num_queries=3'],
}


@pytest.mark.slow
@pytest.mark.parametrize(('paper', 'options'), [(paper, options) for paper, each in WIDTHS.items() for options in each])
def test_a_width_is_typed_once(paper, options, refshapes_tiny):
    cfg = on_drawn_data(
        read(f'{paper}/tiny.py', options),
        refshapes_tiny,
        batch_size=2,
        folder=drawn_folder(paper),
    )
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
    assert all(torch.as_tensor(value).isfinite().all() for value in losses.values())
