import os
import subprocess
import sys

import pytest

from mmvg.cli import main
from mmvg.simulation import NoRendererError, draw_table, load_mujoco


def run(code, **environment):
    """Run code in a fresh process without a display, and return what it printed."""
    kept = {key: value for key, value in os.environ.items() if key not in ('MUJOCO_GL', 'DISPLAY', 'WAYLAND_DISPLAY')}
    done = subprocess.run([sys.executable, '-c', code], env=kept | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_missing_wheel_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, 'mujoco', None)
    with pytest.raises(ImportError, match=r"pip install 'mmvg\[sim\]'"):
        load_mujoco()


def test_without_the_wheel_the_command_ends_with_one_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, 'mujoco', None)
    with pytest.raises(SystemExit) as end:
        main(['data', 'scenes', '--out', str(tmp_path / 'new'), '--number', '3', '--workers', '1'])
    assert end.value.code == 2
    assert "pip install 'mmvg[sim]'" in capsys.readouterr().err


def test_without_a_renderer_the_command_names_the_packages(monkeypatch, tmp_path, capsys):
    pytest.importorskip('mujoco')

    def none(width, height):
        raise AttributeError("'NoneType' object has no attribute 'eglQueryString'")

    monkeypatch.setattr('mmvg.simulation.render._shared_context', none)
    with pytest.raises(NoRendererError, match='libegl1'):
        _ = draw_table(0).view
    with pytest.raises(SystemExit) as end:
        main(['data', 'scenes', '--out', str(tmp_path / 'new'), '--number', '3', '--workers', '1'])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert 'libosmesa6' in said
    assert 'Traceback' not in said


@pytest.mark.parametrize('size', ['320', '320x', 'large', '320x240x3'])
def test_a_size_that_is_none_is_refused(size, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(['data', 'scenes', '--out', str(tmp_path / 'new'), '--size', size])
    assert end.value.code == 2
    assert '320x240' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('environment', 'chosen'),
    [({}, {'egl', 'osmesa'}), ({'MUJOCO_GL': 'osmesa'}, {'osmesa'}), ({'DISPLAY': ':0'}, {''})],
)
def test_a_renderer_is_chosen_only_where_nobody_chose_one(environment, chosen):
    pytest.importorskip('mujoco')
    code = "import os; from mmvg.simulation import load_mujoco; load_mujoco(); print(os.environ.get('MUJOCO_GL', ''))"
    assert run(code, **environment) in chosen


def test_mujoco_is_not_imported_before_it_is_needed():
    assert run("import sys, mmvg.simulation, mmvg.cli; print('mujoco' in sys.modules)") == 'False'
