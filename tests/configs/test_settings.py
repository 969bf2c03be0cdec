"""Configs set names, never positions: one more step in a list must not change what other files say."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / 'configs').rglob('*.py'))
PAGES = sorted([*ROOT.glob('*.md'), *ROOT.glob('docs/*.md'), *ROOT.glob('data/*.md'), *ROOT.glob('configs/*/*.md')])
#: ``key.3.weight=1``, ``key.0=None`` or ``key.-1.x=2``, but neither ``key=0.5`` nor a file name.
POSITION = re.compile(r'[A-Za-z_]\w*(?:\.\w+)*\.-?\d+(?:\.\w+)*=')


def positions(tree: ast.Module) -> list[int]:
    """Lines that read or write an element or a slice of a list by its number."""
    subscripts = [node for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    return [node.lineno for node in subscripts if not is_key(node.slice)]


def is_key(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize('file', CONFIGS, ids=lambda file: str(file.relative_to(ROOT / 'configs')))
def test_no_config_names_a_position(file):
    assert positions(ast.parse(file.read_text(encoding='utf-8'))) == []


def test_no_option_of_a_page_or_a_config_names_a_position():
    found = [
        f'{file.relative_to(ROOT)}: {hit}' for file in [*PAGES, *CONFIGS] for hit in POSITION.findall(file.read_text())
    ]
    assert found == []


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
