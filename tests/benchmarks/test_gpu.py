"""A dry run of what is measured on a GPU, on the CPU and tiny."""

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def gpu():
    """The script as a module."""
    spec = spec_from_file_location('benchmarks_gpu', ROOT / 'benchmarks/gpu.py')
    module = module_from_spec(spec)
    sys.modules['benchmarks_gpu'] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    yield module
    del sys.modules['benchmarks_gpu']


def table_of(file):
    """Rows by measure and setting."""
    rows = [
        [cell.strip() for cell in line.strip('|\n').split('|')] for line in file.read_text().splitlines() if '|' in line
    ]
    return {(row[0], row[1]): row[2:] for row in rows[2:]}


@pytest.mark.slow
def test_a_dry_run_writes_one_table_with_nothing_missed(gpu, tmp_path):
    out = tmp_path / 'gpu/table.md'
    options = ['--device', 'cpu', '--quick', '--systems', 'instancevg', '--backend', 'eager', '--out', str(out)]
    assert gpu.main(options) == 0
    table = table_of(out)
    tiny = 'configs/instancevg/tiny.py'
    for setting in ('float32', 'bfloat16', 'float16'):
        assert float(table['matrix product: TFLOP/s', setting][0]) > 0
        for mode in ('training step', 'inference'):
            assert float(table[f'{tiny}, {mode}, batch 2: images/s', setting][0]) > 0
            assert float(table[f'{tiny}, {mode}, batch 2: percent of the matrix product', setting][0]) > 0
    assert float(table[f'{tiny}, training step, batch 2, compiled: images/s', 'bfloat16'][0]) > 0
    for kind in ('losses', 'outputs'):
        for setting in ('float32', 'bfloat16', 'float16', 'compiled'):
            value, limit, met = table[f'{kind} of instancevg, relative to float32 on the CPU', setting]
            assert met == 'yes', (kind, setting, value, limit)
        assert float(table[f'{kind} of instancevg, relative to float32 on the CPU', 'bfloat16'][0]) > 0
    assert 'no compiled CUDA op here' in table['deformable attention, CUDA op against PyTorch', 'output']


def test_nothing_is_compiled_when_the_time_is_up(gpu):
    assert gpu.Clock(61).has(60)
    assert not gpu.Clock(59).has(60)


def test_what_differs_too_much_fails_and_a_goal_that_is_missed_does_not(gpu):
    assert gpu.Row('losses', 'compiled', 2e-3, most=1e-3).failed
    assert gpu.Row('losses', 'compiled', float('nan'), most=1e-3).cells()[-1] == 'no'
    slow = gpu.Row('training step', 'bfloat16', 5.0, goal=40)
    assert (slow.failed, slow.cells()[-2:]) == (False, ['goal 40', 'no'])


def test_a_difference_is_a_share_of_the_largest_value(gpu):
    found, expected = torch.tensor([1.0, 8.4]), torch.tensor([1.2, 8.0])
    assert gpu._difference(found, expected) == pytest.approx(0.05)
    assert gpu._difference(torch.tensor(1e-4), torch.tensor(0.0)) == pytest.approx(0.1)  # of nothing, of 0.001


def test_the_rows_of_a_training_end_the_table(gpu, tmp_path):
    log = tmp_path / 'train/1/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    lines = [dict(loss=9.0, time=0.3, iter=1), dict(loss=4.0, time=0.1, iter=2), dict(loss=3.0, time=0.1, iter=3)]
    log.write_text('\n'.join(map(json.dumps, [*lines, {'gres/gIoU': 41.5, 'step': 3}])))
    out = tmp_path / 'gpu.md'
    out.write_text('title\n\n| measure | setting | value | held against | met |\n| --- | --- | --- | --- | --- |\n')
    assert gpu.main(['--training', str(tmp_path / 'train'), '--out', str(out)]) == 0
    rows = {setting: cells for (_, setting), cells in table_of(out).items()}
    assert rows['iterations'][0] == '3'
    assert rows['seconds an iteration'][0] == '0.1'
    assert rows['last loss'] == ['3', 'at most 9', 'yes']
    assert rows['last gres/gIoU'][0] == '41.5'


def test_the_script_is_sound_bash():
    subprocess.run(['bash', '-n', ROOT / 'benchmarks/gpu.sh'], check=True)
