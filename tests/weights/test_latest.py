"""A run goes on from its newest whole checkpoint."""

import os

import pytest
import torch

from mmvg.weights.checkpoint import load_state_dict_file
from mmvg.weights.errors import CheckpointError
from mmvg.weights.latest import latest_checkpoint


@pytest.fixture
def run(tmp_path):
    """A folder with the checkpoints of iterations 2, 9 and 10."""
    for iteration in (2, 9, 10):
        torch.save(dict(state_dict=dict(iteration=torch.tensor(iteration))), tmp_path / f'iter_{iteration}.pth')
    torch.save({}, tmp_path / 'best_gres_gIoU_iter_9.pth')
    return tmp_path


def test_the_noted_checkpoint_is_the_latest(run):
    (run / 'last_checkpoint').write_text(f'{run}/iter_9.pth')
    assert latest_checkpoint(run) == run / 'iter_9.pth'


def test_a_note_that_speaks_of_the_folder_before_it_was_moved_means_the_file_beside_it(run):
    (run / 'last_checkpoint').write_text('/before/the/move/iter_9.pth')
    assert latest_checkpoint(run) == run / 'iter_9.pth'
    assert load_state_dict_file(run / 'last_checkpoint')['iteration'] == 9


@pytest.mark.parametrize('note', ['', '/gone/iter_99.pth', None])
def test_without_a_useful_note_the_highest_iteration_is_the_latest(run, note):
    if note is not None:
        (run / 'last_checkpoint').write_text(note)
    assert latest_checkpoint(run) == run / 'iter_10.pth'


@pytest.mark.parametrize('note', [b'\xff\xff', b'x' * 5000, b'y' * 5000 + b'/iter_99.pth', b'a\0b'])
def test_a_note_that_can_be_no_name_is_passed_over_or_told(run, note):
    (run / 'last_checkpoint').write_bytes(note)
    said = []
    assert latest_checkpoint(run, said.append) == run / 'iter_10.pth'
    with pytest.raises((CheckpointError, FileNotFoundError), match=r'last_checkpoint: names no|no such file'):
        load_state_dict_file(run / 'last_checkpoint')


def test_a_checkpoint_that_is_cut_off_is_passed_over(run):
    newest = run / 'iter_10.pth'
    (run / 'last_checkpoint').write_text(str(newest))
    newest.write_bytes(newest.read_bytes()[:300])
    assert latest_checkpoint(run) == run / 'iter_9.pth'


def test_a_folder_without_a_checkpoint_or_none_at_all_has_no_latest(tmp_path):
    assert latest_checkpoint(tmp_path) is None
    assert latest_checkpoint(tmp_path / 'typo') is None


def test_of_iterations_and_epochs_the_one_that_was_written_last_counts(tmp_path):
    for second, name in enumerate(('iter_500', 'epoch_3', 'epoch_2')):
        torch.save({}, tmp_path / f'{name}.pth')
        os.utime(tmp_path / f'{name}.pth', (second, second))
    assert latest_checkpoint(tmp_path).name == 'epoch_2.pth'
    (tmp_path / 'iter_500.pth').unlink()
    assert latest_checkpoint(tmp_path).name == 'epoch_3.pth'
