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


CHOICE = """
import ctypes.util, os
ctypes.util.find_library = lambda name: name if name in {found} else None
import mmvg.simulation.backend as backend
backend.sys = type('sys', (), dict(platform='linux'))
try:
    backend.load_mujoco()
except Exception:  # the library is only said to be there
    pass
print(os.environ.get('MUJOCO_GL'))
"""


@pytest.mark.parametrize(
    ('environment', 'found', 'chosen'),
    [
        ({}, {'EGL', 'OSMesa'}, 'egl'),
        ({}, {'OSMesa'}, 'osmesa'),
        ({}, {'GL'}, 'disable'),
        ({'MUJOCO_GL': 'glfw'}, {'EGL'}, 'glfw'),
        ({'DISPLAY': ':0'}, {'EGL'}, 'None'),
    ],
)
def test_a_renderer_is_chosen_only_where_nobody_chose_one(environment, found, chosen):
    assert run(CHOICE.format(found=found), **environment) == chosen


def test_without_any_renderer_physics_runs_and_pictures_say_what_is_missing():
    pytest.importorskip('mujoco')
    code = """
from mmvg.simulation import NoRendererError, draw_table
table = draw_table(0, layout='isolated')
try:
    table.view
except NoRendererError as error:
    print(len(table.objects), 'libegl1' in str(error))
"""
    number, named = run(code, MUJOCO_GL='disable').split()
    assert (int(number), named) in ((1, 'True'), (2, 'True'))


def test_mujoco_is_not_imported_before_it_is_needed():
    assert run("import sys, mmvg.simulation, mmvg.cli; print('mujoco' in sys.modules)") == 'False'


def test_pytorch_compiles_after_tables_were_rendered(renderer):
    """Mesa and triton bring an LLVM each; where Mesa's came first, the process ended without a word."""
    pytest.importorskip('triton')
    code = 'from mmvg.simulation import draw_table, render_table; render_table(draw_table(0)); import triton; print(1)'
    assert run(code) == '1'
