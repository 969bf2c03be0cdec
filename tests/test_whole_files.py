"""A file is replaced by a whole one or not at all."""

import os
import resource
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from mmvg.whole_files import remove_unfinished, whole_file, whole_folder, write_whole


def test_an_error_on_the_way_leaves_what_was_there(tmp_path):
    file = tmp_path / 'scores.json'
    file.write_text('before')
    with pytest.raises(KeyError):
        write_half(file)
    assert file.read_text() == 'before'
    assert os.listdir(tmp_path) == ['scores.json']


def write_half(file):
    with whole_file(file) as unfinished:
        unfinished.write_text('half')
        raise KeyError


def test_a_new_file_appears_when_it_is_whole_and_makes_its_folder(tmp_path):
    file = tmp_path / 'new/scores.json'
    with whole_file(file) as unfinished:
        unfinished.write_text('whole')
        assert not file.exists()
    assert file.read_text() == 'whole'
    assert os.listdir(file.parent) == ['scores.json']


def test_a_link_and_the_permissions_of_a_file_stay(tmp_path):
    file, link = tmp_path / 'there.json', tmp_path / 'link.json'
    file.write_text('before')
    file.chmod(0o640)
    link.symlink_to(file)
    write_whole(link, 'after')
    assert link.is_symlink()
    assert file.read_text() == 'after'
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_folder_is_replaced_by_a_whole_one_or_not_at_all(tmp_path):
    def write(name, error=None):
        with whole_folder(tmp_path / 'tars') as unfinished:
            (unfinished / name).touch()
            if error:
                raise error

    write('old')
    with pytest.raises(KeyError):
        write('half', KeyError)
    assert os.listdir(tmp_path / 'tars') == ['old']
    write('new')
    assert os.listdir(tmp_path / 'tars') == ['new']
    assert os.listdir(tmp_path) == ['tars']


def test_what_is_no_regular_file_is_written_to():
    write_whole('/dev/null', 'gone')
    assert not os.path.isfile('/dev/null')


def test_a_full_disk_leaves_the_old_file_and_nothing_half():
    """The limit of a process on the size of its files stands in for a small disk."""
    code = (
        'import os, resource, tempfile; from mmvg.whole_files import write_whole\n'
        'os.chdir(tempfile.mkdtemp()); write_whole("a", "old")\n'
        f'resource.setrlimit(resource.RLIMIT_FSIZE, (1000, {resource.RLIM_INFINITY}))\n'
        'try: write_whole("a", "new" * 1000)\n'
        'except OSError: print(open("a").read(), os.listdir())\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.stdout == "old ['a']\n", done.stderr


def test_what_a_killed_process_left_is_found_by_its_name(tmp_path):
    for name in ('iter_4.pth', 'iter_8.pth.77.part', 'answers.json.77.part'):
        (tmp_path / name).touch()
    assert [path.name for path in remove_unfinished(tmp_path, '*.pth')] == ['iter_8.pth.77.part']
    assert sorted(os.listdir(tmp_path)) == ['answers.json.77.part', 'iter_4.pth']


def test_weights_can_be_read_by_whoever_can_read_other_files(tmp_path):
    (tmp_path / 'plain').write_text('')
    with whole_file(tmp_path / 'whole.safetensors') as unfinished:
        save_file({'a': torch.zeros(1)}, unfinished)
    assert (tmp_path / 'whole.safetensors').stat().st_mode == (tmp_path / 'plain').stat().st_mode
