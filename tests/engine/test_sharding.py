"""Two processes that hold half of a model each train it as two that hold all of it."""

import os
import shutil

import pytest
import small_runs
import torch
from mmengine.dist import get_rank
from shipped_configs import build, read

from mmvg.apis import Modes
from mmvg.config import ConfigError, check_config
from mmvg.engine.sharding import FullyShardedModel

#: Whose steps are as small as the gradients, where those of Adam are large and of any sign.
SGD = 'optim_wrapper.optimizer.type=SGD optim_wrapper.optimizer.lr=0.01 optim_wrapper.optimizer.fused=False'


def train(rank, system, data, folder, modes, options, resume):
    cfg = small_runs.config(system, data, folder, iterations=4, options=options)
    cfg.train_cfg.val_interval = 2
    cfg.launcher = 'pytorch'
    cfg.find_unused_parameters = True
    modes.apply(cfg)
    check_config(cfg)
    cfg.resume = resume
    os.environ['LOCAL_RANK'] = str(get_rank())
    runner = small_runs.train(cfg)
    if modes.fsdp:
        held = sum(parameter.to_local().numel() for parameter in runner.model.parameters())
        total = sum(parameter.numel() for parameter in runner.model.parameters())
        assert held < 0.7 * total


def states(folder, iteration):
    return small_runs.state(folder / f'iter_{iteration}.pth')


@pytest.mark.parametrize(
    ('system', 'options', 'modes'),
    [
        ('instancevg', '', {}),
        pytest.param('lavt', SGD, dict(accumulate=2), marks=pytest.mark.slow),
        pytest.param('magnet', SGD, dict(freeze=['text']), marks=pytest.mark.slow),
        pytest.param('instancevg', SGD, dict(lora=2), marks=pytest.mark.slow),
    ],
)
def test_it_trains_as_copies_do(system, options, modes, refshapes_tiny, run_in_processes, tmp_path):
    """Losses, weights and optimizer; and the checkpoints are whole, of the same form as those of any run."""
    for name, fsdp in (('copies', False), ('parts', True)):
        run_in_processes(train, 2, system, refshapes_tiny, tmp_path / name, Modes(**modes, fsdp=fsdp), options, False)
    expected, found = states(tmp_path / 'copies', 4), states(tmp_path / 'parts', 4)
    assert found['weights'].keys() == expected['weights'].keys()
    assert all(type(value) is torch.Tensor for value in found['weights'].values())
    torch.testing.assert_close(found['weights'], expected['weights'], atol=2e-4, rtol=1e-3)
    assert found['optimizer']['state'].keys() == expected['optimizer']['state'].keys()
    losses = [name for name in expected['logged'] if 'loss' in name]
    assert losses
    for name in losses:
        assert found['logged'][name] == pytest.approx(expected['logged'][name], rel=1e-3, abs=1e-4)


@pytest.mark.slow
def test_a_run_goes_on_bit_for_bit_in_parts_and_in_one_process(refshapes_tiny, run_in_processes, tmp_path):
    run_in_processes(train, 2, 'instancevg', refshapes_tiny, tmp_path / 'whole', Modes(fsdp=True), '', False)
    (tmp_path / 'resumed').mkdir()
    shutil.copy(tmp_path / 'whole/iter_2.pth', tmp_path / 'resumed')
    run_in_processes(train, 2, 'instancevg', refshapes_tiny, tmp_path / 'resumed', Modes(fsdp=True), '', True)
    assert small_runs.difference(states(tmp_path / 'whole', 4), states(tmp_path / 'resumed', 4)) is None
    cfg = small_runs.config('instancevg', refshapes_tiny, tmp_path / 'alone', iterations=4, batch_size=4)
    small_runs.train(cfg, tmp_path / 'whole/iter_2.pth')  # without it, and twice the samples of a process
    assert (tmp_path / 'alone/iter_4.pth').is_file()


def test_weights_that_cannot_be_divided_are_named():
    with pytest.raises(ValueError, match=r'backbone\.fusion\.stages\.0\.alpha2, .* are single numbers'):
        FullyShardedModel(build('raam/tiny.py'))


def test_fused_steps_of_sgd_are_refused():
    cfg = read('instancevg/tiny.py')
    cfg.launcher = 'pytorch'
    cfg.optim_wrapper.optimizer = dict(type='SGD', lr=0.1)
    with pytest.raises(ConfigError, match='--fsdp: torch divides fused steps of Adam and AdamW, not of SGD'):
        Modes(fsdp=True, fused=True).apply(cfg)


def test_what_needs_whole_weights_is_refused():
    cfg = read('cris/refcoco.py')
    modes = Modes(fsdp=True, ema=0.1, channels_last=True)
    with pytest.raises(ConfigError) as error:
        modes.apply(cfg)
    for text in ('needs several processes', '--ema', '--channels-last', '--amp bf16 works'):
        assert text in str(error.value)
