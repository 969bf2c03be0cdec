"""The table of all systems after equal minutes: its commands reach the configs, and the page has its results."""

import json
import runpy
from pathlib import Path

import pytest
from shipped_configs import parse_options, read

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def bench():
    return runpy.run_path(str(ROOT / 'benchmarks/equal_minutes.py'))


def test_steps_batch_and_seed_of_a_command_reach_the_config_of_every_system(bench, tmp_path):
    for name, system in bench['SYSTEMS'].items():
        words = bench['command'](system, tmp_path, **{'iterations': 123, 'randomness.seed': 7})
        options = words[words.index('--cfg-options') + 1 :]
        assert parse_options(' '.join(options))['train_batch_size'] == system.batch_size
        cfg = read(f'{system.config}.py', ' '.join(options))
        assert cfg.train_dataloader.batch_size == system.batch_size, name
        assert cfg.train_cfg.max_iters == 123, name
        assert cfg.param_scheduler[-1]['end'] == 123, name
        assert cfg.randomness.seed == 7, name
        assert cfg.get('load_from') is None, name


def test_what_takes_the_steps_of_another_system_takes_its_batches_and_flags_too(bench):
    systems = bench['SYSTEMS']
    assert {name: systems[name].steps_of for name in systems if systems[name].steps_of} == {
        f'{name} + Mask Grounding': name for name in ('LAVT', 'CRIS', 'ReLA')
    }
    for system in systems.values():
        if system.steps_of:
            assert system[1:3] == systems[system.steps_of][1:3]


def test_a_score_is_the_mean_of_its_seeds_with_each_behind_it(bench):
    runs = [
        dict(system='LAVT', seed=1, iterations=1200, scores={'res/mIoU': 50.06, 'res/P@0.5': 40.0}),
        dict(system='LAVT', seed=0, iterations=1200, scores={'res/mIoU': 60.0, 'res/P@0.5': 45.0}),
        dict(system='RaAM-RVG', seed=0, iterations=9, scores={'rec/P@0.5': 70.0, 'res/mIoU': 8.0, 'res/P@0.5': 9.0}),
    ]
    assert bench['table'](runs).splitlines()[2:] == [
        '| LAVT | 55.0 (60.0, 50.1) | 42.5 (45.0, 40.0) |  |  |  |  | 1,200 | 2 |',
        '| RaAM-RVG | 8.0 | 70.0 |  |  |  |  | 9 | 1 |',
    ]


def test_what_has_a_result_is_not_run_again(bench, monkeypatch, tmp_path):
    results = tmp_path / 'results.jsonl'
    results.write_text(json.dumps(dict(system='LAVT', seed=0)) + '\n')
    monkeypatch.setitem(bench['_open_runs'].__globals__, 'read_results', lambda: bench['read_results'](results))
    assert list(bench['_open_runs'](['LAVT', 'CRIS'], [0, 1])) == [('CRIS', 0), ('LAVT', 1), ('CRIS', 1)]


def test_another_seed_takes_the_steps_of_the_one_that_is_there_and_its_system_is_not_measured_again(
    bench, monkeypatch, tmp_path
):
    names = bench['_steps'].__globals__
    monkeypatch.setitem(names, 'read_results', lambda: [dict(system='LAVT', seed=0, iterations=472)])
    monkeypatch.setitem(names, 'step_seconds', lambda name, work_dir: {'CRIS': 0.5}[name])
    assert bench['_steps']('LAVT', tmp_path) == 472
    assert bench['_steps']('CRIS', tmp_path) == 1200


def test_the_page_has_the_table_of_the_results(bench):
    page = (ROOT / 'docs/model_zoo.md').read_text(encoding='utf-8')
    table = page.split('<!-- equal minutes -->')[1].split('<!-- end of equal minutes -->')[0]
    assert table.strip() == bench['table'](bench['read_results']())
