"""There is always a whole checkpoint, and nothing outside the folder of the run is removed."""

import shutil
import signal
from pathlib import Path

import pytest
import toy_run
from mmengine.hooks import Hook

from mmvg.engine.errors import StopRun
from mmvg.engine.hooks import SafeCheckpointHook
from mmvg.weights.latest import latest_checkpoint


def names(folder, pattern='*.pth'):
    return sorted(path.name for path in Path(folder).glob(pattern))


@pytest.fixture
def saves(monkeypatch):
    """The checkpoints in the folder while each one is written."""
    seen = []
    save = toy_run.GroundingRunner.save_checkpoint

    def look(self, out_dir, *arguments, **settings):
        seen.append(names(out_dir))
        save(self, out_dir, *arguments, **settings)

    monkeypatch.setattr(toy_run.GroundingRunner, 'save_checkpoint', look)
    return seen


def test_the_old_checkpoint_is_there_until_the_new_one_is_whole(saves, tmp_path):
    toy_run.run(toy_run.config(tmp_path, iterations=4, max_keep_ckpts=1, save_best=None))
    assert saves == [[], ['iter_1.pth'], ['iter_2.pth'], ['iter_3.pth']]
    assert names(tmp_path) == ['iter_4.pth']
    assert (tmp_path / 'last_checkpoint').read_text() == f'{tmp_path}/iter_4.pth'


def test_the_old_best_is_there_until_the_new_one_is_whole(saves, tmp_path, monkeypatch):
    values = iter([1.0, 3.0, 2.0])
    monkeypatch.setattr(toy_run.ToyMetric, 'compute_metrics', lambda *_: dict(sum=next(values)))
    runner = toy_run.run(toy_run.config(tmp_path, iterations=9, interval=3, max_keep_ckpts=1))
    best = [[name for name in each if 'best' in name] for each in saves]
    assert ['best_toy_sum_iter_3.pth'] in best
    assert names(tmp_path) == ['best_toy_sum_iter_6.pth', 'iter_9.pth']
    assert runner.message_hub.get_info('best_score') == 3.0


def test_a_save_that_fails_leaves_the_checkpoint_and_the_note_before(tmp_path, monkeypatch):
    def full(self, out_dir, name, *_, **__):
        Path(out_dir, name).write_bytes(b'half')
        raise OSError(28, 'No space left on device')

    cfg = toy_run.config(tmp_path, iterations=3, max_keep_ckpts=1, save_best=None)
    toy_run.run(cfg)
    monkeypatch.setattr('mmengine.runner.Runner.save_checkpoint', full)
    cfg = toy_run.config(tmp_path, iterations=5, max_keep_ckpts=1, save_best=None)
    cfg.resume = True
    with pytest.raises(OSError, match='No space left'):
        toy_run.run(cfg)
    assert names(tmp_path, '*.pth*') == ['iter_3.pth']
    assert latest_checkpoint(tmp_path) == tmp_path / 'iter_3.pth'


@pytest.mark.parametrize('save_best', ['toy/sum', ['toy/sum', 'toy/other']])
def test_a_copy_of_a_run_does_not_reach_into_the_original(save_best, tmp_path, monkeypatch):
    values = iter(range(20))
    monkeypatch.setattr(toy_run.ToyMetric, 'compute_metrics', lambda *_: dict(sum=next(values), other=next(values)))
    settings = dict(max_keep_ckpts=2, save_best=save_best)
    toy_run.run(toy_run.config(tmp_path / 'original', iterations=3, **settings))
    before = names(tmp_path / 'original')
    assert any('best' in name for name in before)
    shutil.copytree(tmp_path / 'original', tmp_path / 'copy')
    cfg = toy_run.config(tmp_path / 'copy', iterations=6, **settings)
    cfg.resume = True
    toy_run.run(cfg)
    assert names(tmp_path / 'original') == before
    assert [name for name in names(tmp_path / 'copy') if 'best' in name] == [
        name.replace('3', '6') for name in before if 'best' in name
    ]
    assert len(names(tmp_path / 'copy', 'iter*')) == 2


def test_a_run_that_goes_on_in_another_folder_removes_nothing_there(tmp_path):
    toy_run.run(toy_run.config(tmp_path / 'first', iterations=4, max_keep_ckpts=2))
    toy_run.run(toy_run.config(tmp_path / 'second', iterations=3))
    kept = {'iter_1.pth', 'iter_2.pth', 'iter_3.pth'}
    cfg = toy_run.config(tmp_path / 'second', iterations=6, max_keep_ckpts=2)
    cfg.update(resume=True, load_from=str(tmp_path / 'first/iter_4.pth'))
    toy_run.run(cfg)
    assert kept <= set(names(tmp_path / 'second'))


class Interrupt(Hook):
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == 1:
            hook = next(hook for hook in runner.hooks if isinstance(hook, SafeCheckpointHook))
            hook.save_now(runner, 2)
            raise StopRun(signal.SIGTERM)


def test_a_checkpoint_between_two_epochs_is_removed_by_the_next_regular_one(tmp_path):
    cfg = toy_run.config(tmp_path, epochs=2, by_epoch=True, save_best=None)
    with pytest.raises(StopRun):
        toy_run.run(cfg, hooks=(Interrupt(),))
    assert names(tmp_path) == ['iter_2.pth']
    resumed = toy_run.config(tmp_path, epochs=2, by_epoch=True, save_best=None)
    resumed.resume = True
    assert toy_run.run(resumed).iter == 8
    assert names(tmp_path) == ['epoch_1.pth', 'epoch_2.pth']
