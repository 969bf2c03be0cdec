"""``tools/analysis_tools/compare_configs.py`` finds every value that differs, and nothing else."""

import json
import runpy
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = str(ROOT / 'tools/analysis_tools/compare_configs.py')


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, 'argv', ['compare_configs.py', *map(str, words)])
    runpy.run_path(SCRIPT, run_name='__main__')


def test_lists_tuples_and_empty_values_are_told_apart():
    flatten = runpy.run_path(SCRIPT)['flatten']
    assert dict(flatten(dict(a=[1, dict(b='x')], c=(2.0,), d=[], e=None))) == {
        'a[0]': '1',
        'a[1].b': "'x'",
        'c(0)': '2.0',
        'd': '[]',
        'e': 'None',
    }


def test_two_checkouts_are_compared_key_by_key(tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / 'configs/_base_', tmp_path / 'configs/_base_')
    shutil.copytree(ROOT / 'configs/lavt', tmp_path / 'configs/lavt')
    before, after = tmp_path / 'before.json', tmp_path / 'after.json'
    run(monkeypatch, 'dump', before, '--root', tmp_path)
    values = json.loads(before.read_text())['lavt/refcoco.py']
    assert values['model.backbone.image.depths(2)'] == '18'
    assert values['model.type'] == "'mmvg.models.Grounder'"
    assert 'size' not in values
    base = tmp_path / 'configs/_base_/models/lavt_swin_base.py'
    base.write_text(base.read_text().replace('window_size=12', 'window_size=7').replace('BinaryMaskLoss', 'MaskLoss'))
    run(monkeypatch, 'dump', after, '--root', tmp_path)
    capsys.readouterr()
    with pytest.raises(SystemExit, match='1'):
        run(monkeypatch, 'compare', before, after, '--rename', 'BinaryMaskLoss=MaskLoss')
    *lines, count = capsys.readouterr().out.splitlines()
    configs = json.loads(before.read_text())
    large = sorted(name for name in configs if configs[name].get('model.backbone.image.window_size') == '12')
    assert {'lavt/refcoco.py', 'lavt/refcoco_224.py', 'lavt/refcocog.py'} < set(large) < set(configs)
    assert lines == [f'{name}: model.backbone.image.window_size: 12 -> 7' for name in large]
    assert count == f'{len(large)} differences in {len(configs)} configs'
    run(monkeypatch, 'compare', before, before)
    assert capsys.readouterr().out == f'0 differences in {len(configs)} configs\n'
