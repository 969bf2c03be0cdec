"""Configs by name, from anywhere, and copies of them that work in any folder."""

from pathlib import Path

import pytest

from mmvg.config import read_config
from mmvg.config.library import LIBRARY, config_names, find_config, installed_path, portable_source

ROOT = Path(__file__).parents[2]


def test_every_config_of_the_repository_has_a_name():
    assert LIBRARY.resolve() == ROOT / 'configs'
    assert set(config_names()) == {
        path.relative_to(ROOT / 'configs').with_suffix('').as_posix() for path in ROOT.glob('configs/[!_]*/*.py')
    }


@pytest.mark.parametrize('name', ['lavt/tiny', 'lavt/tiny.py', 'configs/lavt/tiny', 'configs/lavt/tiny.py'])
def test_a_name_is_found_from_any_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(name).resolve() == ROOT / 'configs/lavt/tiny.py'


def test_a_file_of_ones_own_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'lavt').mkdir()
    (tmp_path / 'lavt/tiny.py').write_text('', encoding='utf-8')
    assert find_config('lavt/tiny.py') == Path('lavt/tiny.py')


@pytest.mark.parametrize('name', ['lavt/refcocoo', '../setup', '/no/such/file.py', 'nothing like it'])
def test_an_unknown_name_is_an_error_that_helps(name):
    with pytest.raises(FileNotFoundError, match=r'no such config; (perhaps lavt/refcoco|`mmvg config` lists)'):
        find_config(name)


def test_relative_imports_become_absolute_ones():
    source = portable_source('lavt/refcoco')
    assert 'from mmvg.configs._base_.' in source
    assert 'from .' not in source


def test_a_config_of_ones_own_is_left_as_it_is(tmp_path):
    own = tmp_path / 'mine.py'
    own.write_text('from .other import x\n', encoding='utf-8')
    assert portable_source(own) == 'from .other import x\n'


def test_a_copy_in_any_folder_means_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'mine.py').write_text(portable_source('lavt/tiny') + '\nlog_level = "DEBUG"\n', encoding='utf-8')
    mine, ours = read_config('mine.py').to_dict(), read_config('lavt/tiny').to_dict()
    assert mine.pop('log_level') == 'DEBUG'
    assert mine == ours


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(ModuleNotFoundError, match="'no_such_package'"):
        installed_path('no_such_package')
