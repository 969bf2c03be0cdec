"""The wheel stands alone: unpacked into an empty folder, away from the clone, it has its configs and every command."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
BUILD = 'import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))'


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """A folder with what ``pip install`` would unpack; nothing is written into the clone."""
    clone, wheels, site = (tmp_path_factory.mktemp(name) for name in ('clone', 'wheels', 'site'))
    for name in ('setup.py', 'pyproject.toml', 'README.md', 'LICENSE', 'requirements', 'configs', 'mmvg'):
        subprocess.run(['cp', '-r', '--preserve=links', ROOT / name, clone / name], check=True)
    subprocess.run([sys.executable, '-c', BUILD, wheels], cwd=clone, check=True, capture_output=True)
    with zipfile.ZipFile(next(wheels.glob('*.whl'))) as wheel:
        wheel.extractall(site)
    return site


def run(installed, folder, *arguments):
    environment = dict(os.environ, PYTHONPATH=str(installed))
    done = subprocess.run(
        [sys.executable, '-m', 'mmvg', *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_has_every_config_and_metafile(installed):
    for pattern in ('*/*.py', '_base_/*/*.py', '*/metafile.yml'):
        files = {path.relative_to(ROOT / 'configs').as_posix() for path in (ROOT / 'configs').glob(pattern)}
        assert files
        for file in files:
            assert (installed / 'mmvg/configs' / file).is_file(), file
    assert not list((installed / 'mmvg/configs').rglob('__pycache__'))


def test_a_config_is_copied_changed_and_its_model_counted(installed, tmp_path):
    run(installed, tmp_path, 'config', 'lavt/tiny', '--out', 'mine.py')
    with (tmp_path / 'mine.py').open('a', encoding='utf-8') as file:
        file.write('\nrandomness.update(seed=3)\n')
    assert 'with read_base' in (tmp_path / 'mine.py').read_text(encoding='utf-8')
    assert 'GMACs' in run(installed, tmp_path, 'flops', 'mine.py')


def test_models_and_data_need_no_clone(installed, tmp_path):
    assert 'lavt_refcoco  configs/lavt/refcoco.py' in run(installed, tmp_path, 'models', 'lavt')
    run(installed, tmp_path, 'data', 'draw', '--size', 'tiny', '--out', 'data/refshapes_tiny', '--formats', 'refcoco')
    assert '0 errors' in run(installed, tmp_path, 'data', 'check', 'data/refshapes_tiny')


def test_a_picture_is_drawn_and_asked_about_by_the_model_in_the_wheel(installed, tmp_path):
    printed = run(installed, tmp_path, 'demo', 'scene', '--number', '0')
    assert '"pink cross" (1 in the picture): ' in printed
    assert (tmp_path / 'work_dirs/demo/answers_0.png').is_file()
