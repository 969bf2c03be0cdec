"""What is not finite does not get into the weights, the statistics or a checkpoint."""

import pytest
import torch
import toy_run
from mmengine.hooks import Hook

from mmvg.engine.errors import RunError
from mmvg.weights.integrity import non_finite


def checkpoint(folder, iteration):
    return torch.load(folder / f'iter_{iteration}.pth', weights_only=False)


def test_a_step_with_a_bad_sample_is_left_out_counted_and_said(tmp_path, capfd):
    cfg = toy_run.config(tmp_path, iterations=8, bad=5)
    cfg.log_level = 'WARNING'
    runner = toy_run.run(cfg)
    assert runner.message_hub.get_info('skipped_steps') == 2  # each pass of four steps meets the sample once
    assert runner.message_hub.get_info('skipped_in_a_row') == 0 or runner.optim_wrapper.skipped
    steps = [i for i, batch in enumerate(runner.model.seen, 1) if batch.isnan().any()]
    said = capfd.readouterr().out
    assert all(f'Iteration {step}: loss is not finite; the step is left out' in said for step in steps)
    for iteration in range(1, 9):
        assert not list(non_finite(checkpoint(tmp_path, iteration)))
    bad = steps[0]
    after = checkpoint(tmp_path, bad)['state_dict']
    if bad > 1:
        before = checkpoint(tmp_path, bad - 1)['state_dict']
        assert all(torch.equal(before[name], after[name]) for name in before), 'BatchNorm has not seen the batch'


def test_averages_do_not_see_a_bad_batch_of_an_update_that_is_still_to_come(tmp_path):
    cfg = toy_run.config(tmp_path, iterations=8, bad=5)
    cfg.optim_wrapper.accumulative_counts = 2
    cfg.custom_hooks = [dict(type='EMAHook', momentum=0.1, update_buffers=True)]
    runner = toy_run.run(cfg)
    assert runner.message_hub.get_info('skipped_steps') > 0
    for iteration in range(1, 9):
        assert not list(non_finite(checkpoint(tmp_path, iteration)['ema_state_dict']))


class Poison(Hook):
    """Makes the gradient of one weight infinite while the loss stays finite."""

    def before_run(self, runner):
        runner.model.weight.bias.register_hook(lambda gradient: gradient * torch.inf)


def test_a_gradient_that_is_never_finite_ends_the_run_with_its_own_code_and_the_weights_of_before(tmp_path):
    with pytest.raises(RunError, match='in 10 steps in a row: the training diverged') as end:
        toy_run.run(toy_run.config(tmp_path, iterations=20), hooks=(Poison(),))
    assert end.value.exit_code == 3
    first, last = checkpoint(tmp_path, 1)['state_dict'], checkpoint(tmp_path, 9)['state_dict']
    assert not (tmp_path / 'iter_10.pth').exists()
    assert all(torch.equal(first[name], last[name]) for name in first)


class Break(Hook):
    """Makes a weight NaN by other means than a step."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == 2:
            runner.model.weight.weight.data[0, 0] = torch.nan


def test_a_checkpoint_that_is_not_finite_does_not_replace_a_good_one(tmp_path):
    cfg = toy_run.config(tmp_path, iterations=6, max_keep_ckpts=1, save_best=None)
    with pytest.raises(RunError, match=r'No checkpoint is written at iteration 4: .* \(weight.weight') as end:
        toy_run.run(cfg, hooks=(Break(),))
    assert end.value.exit_code == 3
    assert [path.name for path in tmp_path.glob('*.pth*')] == ['iter_3.pth']
    assert not list(non_finite(checkpoint(tmp_path, 3)))


def leave_out_in_both(rank, folder):
    cfg = toy_run.config(folder, iterations=6, bad=5)
    runner = toy_run.run(cfg)
    torch.save((runner.message_hub.get_info('skipped_steps'), runner.model.state_dict()), folder / f'end_{rank}.pt')


def test_two_processes_leave_out_the_same_step_and_end_with_the_same_weights(run_in_processes, tmp_path):
    run_in_processes(leave_out_in_both, 2, tmp_path)
    (skipped, state), (other, others) = (torch.load(tmp_path / f'end_{rank}.pt') for rank in range(2))
    assert skipped == other > 0
    assert all(torch.equal(state[name], others[name]) for name in state if 'weight' in name)
    assert not list(non_finite(state))


def test_accumulated_gradients_are_left_out_together(tmp_path):
    cfg = toy_run.config(tmp_path, iterations=4, bad=5)
    cfg.optim_wrapper.accumulative_counts = 2
    runner = toy_run.run(cfg)
    assert runner.message_hub.get_info('skipped_steps') == 1
    assert not list(non_finite(runner.model.state_dict()))
