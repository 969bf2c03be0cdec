"""A run that was interrupted ends with the very bits of one that was not."""

import shutil

import pytest
import torch
import toy_run
from small_runs import difference

from mmvg.datasets.readers import AccessRandom
from mmvg.engine.errors import RunError


def state(file):
    checkpoint = torch.load(file, weights_only=False)
    info = checkpoint['message_hub']['runtime_info']
    return dict(
        weights=checkpoint['state_dict'],
        average=checkpoint.get('ema_state_dict'),
        optimizer=checkpoint['optimizer'],
        schedulers=checkpoint['param_schedulers'],
        generators=checkpoint['run']['generators'],
        place=(checkpoint['meta']['epoch'], checkpoint['meta']['iter']),
        best=info.get('best_score'),
        scored=info.get('scored_iter'),
    )


@pytest.fixture(autouse=True)
def unset_sample_seed():
    yield
    AccessRandom.sample_seed = None


@pytest.mark.parametrize('workers', [0, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize('length', [dict(iterations=7), dict(epochs=2)])
@pytest.mark.parametrize('average', [False, True])
def test_weights_optimizer_generators_and_best_score_are_the_same_after_a_resume(average, length, workers, tmp_path):
    """At every iteration: in the middle and at the end of a pass, before and after a validation."""

    def cfg(name):
        made = toy_run.config(tmp_path / name, workers=workers, **length)
        if average:
            made.custom_hooks = [dict(type='EMAHook', momentum=0.1, update_buffers=True)]
        return made

    last = 8 if 'epochs' in length else 7
    toy_run.run(cfg('whole'))
    expected = state(tmp_path / f'whole/iter_{last}.pth')
    assert expected['best'] is not None
    for iteration in range(1, last, 3 if workers else 1):
        name = f'from_{iteration}'
        (tmp_path / name).mkdir()
        shutil.copy(tmp_path / f'whole/iter_{iteration}.pth', tmp_path / name)
        resumed = cfg(name)
        resumed.resume = True
        toy_run.run(resumed)
        assert difference(expected, state(tmp_path / name / f'iter_{last}.pth')) is None, name


def test_the_comparison_sees_a_generator_that_is_not_restored(tmp_path):
    toy_run.run(toy_run.config(tmp_path / 'whole', iterations=5))
    checkpoint = torch.load(tmp_path / 'whole/iter_3.pth', weights_only=False)
    checkpoint['run']['generators'][0]['modules'] = {}
    (tmp_path / 'other').mkdir()
    torch.save(checkpoint, tmp_path / 'other/iter_3.pth')
    cfg = toy_run.config(tmp_path / 'other', iterations=5)
    cfg.resume = True
    toy_run.run(cfg)
    found = difference(*(state(tmp_path / f'{name}/iter_5.pth') for name in ('whole', 'other')))
    assert found.startswith('.weights')


def resume_in_two(rank, folder):
    cfg = toy_run.config(folder, iterations=6, batch_size=2)
    cfg.resume = True
    runner = toy_run.run(cfg)
    assert runner.iter == 6
    seen = torch.cat(runner.model.module.seen)[:, 0].tolist()
    torch.save(seen, folder / f'seen_{rank}')


def test_another_number_of_processes_goes_on_with_the_same_samples(run_in_processes, tmp_path):
    toy_run.run(toy_run.config(tmp_path / 'alone', iterations=3, batch_size=4))
    runner = toy_run.run(toy_run.config(tmp_path / 'whole', iterations=6, batch_size=4))
    expected = torch.cat(runner.model.seen)[12:, 0].reshape(3, 4).sort().values
    run_in_processes(resume_in_two, 2, tmp_path / 'alone')
    seen = torch.tensor([torch.load(tmp_path / f'alone/seen_{rank}') for rank in range(2)])
    assert torch.equal(seen.reshape(2, 3, 2).transpose(0, 1).reshape(3, 4).sort().values, expected)


def test_a_step_of_another_size_is_refused_and_the_size_is_named(tmp_path):
    toy_run.run(toy_run.config(tmp_path, iterations=3, batch_size=2))
    cfg = toy_run.config(tmp_path, batch_size=4)
    cfg.resume = True
    with pytest.raises(
        RunError, match=r'took 2 samples a step \(1 x 2\).*now take 4.*batch_size.* 2 again \(2\)'
    ) as end:
        toy_run.run(cfg)
    assert end.value.exit_code == 2


def test_a_checkpoint_of_mmengine_goes_on_and_says_what_it_lacks(tmp_path, capfd):
    toy_run.run(toy_run.config(tmp_path, iterations=3))
    checkpoint = torch.load(tmp_path / 'iter_3.pth', weights_only=False)
    checkpoint.pop('run')
    torch.save(checkpoint, tmp_path / 'iter_3.pth')
    cfg = toy_run.config(tmp_path, iterations=4)
    cfg.update(resume=True, log_level='WARNING')
    assert toy_run.run(cfg).iter == 4
    assert 'does not hold the states of the generators' in capfd.readouterr().out


@pytest.mark.parametrize('length', [dict(iterations=8), dict(epochs=4)])
@pytest.mark.parametrize('samples', [4, 16])
def test_a_pass_with_another_number_of_batches_is_refused(samples, length, tmp_path):
    toy_run.run(
        toy_run.config(tmp_path, iterations=4) if 'iterations' in length else toy_run.config(tmp_path, epochs=1)
    )
    cfg = toy_run.config(tmp_path, **length)
    cfg.train_dataloader.dataset.length = samples
    cfg.resume = True
    with pytest.raises(RunError, match=f'had 4 batches, and would now have {samples // 2}') as end:
        toy_run.run(cfg)
    assert end.value.exit_code == 2


def test_without_a_seed_in_the_config_the_data_go_on_in_their_order(tmp_path):
    def cfg(name):
        made = toy_run.config(tmp_path / name, iterations=7)
        made.randomness = dict(seed=None)
        return made

    toy_run.run(cfg('whole'))
    (tmp_path / 'again').mkdir()
    shutil.copy(tmp_path / 'whole/iter_2.pth', tmp_path / 'again')
    resumed = cfg('again')
    resumed.resume = True
    toy_run.run(resumed)
    assert difference(state(tmp_path / 'whole/iter_7.pth'), state(tmp_path / 'again/iter_7.pth')) is None


def test_a_run_removes_what_a_killed_one_was_writing_and_nothing_else(tmp_path):
    left = ('iter_1.pth', 'last_checkpoint', 'adapters.safetensors', 'answers.json')
    for name in left:
        (tmp_path / f'{name}.4711.part').touch()
    toy_run.run(toy_run.config(tmp_path, iterations=1))
    assert [path.name for path in tmp_path.glob('*.part')] == ['answers.json.4711.part']
