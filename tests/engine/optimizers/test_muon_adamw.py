"""MuonAdamW against singular value decompositions, against AdamW, and over processes."""

import copy
import subprocess
import sys

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import distributed, nn

from mmvg.engine.optimizers import MuonAdamW
from mmvg.engine.optimizers.muon_adamw import divide_work, is_matrix, orthogonalize


def conditioned(rows, columns, smallest, seed=0):
    """A matrix with singular values from 1 down to ``smallest``, and its U V^T."""
    generator = torch.Generator().manual_seed(seed)
    u, _, v = torch.linalg.svd(torch.randn(rows, columns, generator=generator), full_matrices=False)
    values = torch.logspace(0, torch.log10(torch.tensor(smallest)).item(), min(rows, columns))
    return u * values @ v, u @ v


def layers():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.GroupNorm(2, 16), nn.Conv2d(16, 16, 3, groups=16), nn.Flatten(), nn.Linear(64, 12)
    )


def learn(model, optimizer, steps, images=None):
    images = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(3)) if images is None else images
    for _ in range(steps):
        optimizer.zero_grad()
        model(images).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize('shape', [(24, 24), (16, 40), (40, 16)])
def test_singular_values_become_one_and_their_directions_stay(shape):
    pairs = [conditioned(*shape, smallest=0.05, seed=seed) for seed in range(3)]
    result = orthogonalize(torch.stack([matrix for matrix, _ in pairs]))
    assert (torch.linalg.svdvals(result) - 1).abs().max() < 0.15
    for found, (_, exact) in zip(result, pairs, strict=True):
        assert torch.allclose(found, exact, atol=0.15)
        assert torch.nn.functional.cosine_similarity(found.flatten(), exact.flatten(), dim=0) > 0.995


def test_a_gradient_of_zero_moves_nothing():
    assert orthogonalize(torch.zeros(2, 8, 9)).count_nonzero() == 0


@pytest.mark.parametrize(
    ('shape', 'taken'),
    [
        ((8, 8), True),
        ((16, 4, 3, 3), True),  # 16 x 36
        ((16, 2, 1, 1), False),  # 16 x 2
        ((4, 96), False),  # an output of four numbers
        ((16, 1, 5, 5), False),  # depthwise
        ((64,), False),
        ((1, 9, 16), False),  # positions
        ((16, 9, 16), True),  # sixteen of 9 x 16
        ((16, 9, 1), False),
        ((2, 3, 8, 8, 8), False),
    ],
)
def test_matrices_and_kernels_are_taken_and_nothing_else(shape, taken):
    assert is_matrix(torch.zeros(shape)) is taken


def test_a_first_step_is_as_large_as_adamws_and_goes_along_all_directions():
    gradient, exact = conditioned(16, 36, smallest=0.1)
    kernel = nn.Parameter(torch.ones(16, 4, 3, 3))
    kernel.grad = gradient.view_as(kernel).clone()
    MuonAdamW([kernel], lr=0.1, weight_decay=0.5).step()
    change = (kernel - (1 - 0.1 * 0.5)).flatten(1).detach()
    assert torch.allclose(change, -0.1 * 0.2 * 36**0.5 * exact, atol=0.1 * 0.2 * 6 * 0.15)
    assert change.square().mean().sqrt() == pytest.approx(0.1 * 0.2, rel=0.05)  # AdamW's is usually 0.2 lr to 0.4 lr
    assert torch.equal(kernel.grad.flatten(1), gradient)


def test_every_matrix_of_a_stack_goes_its_own_way():
    gradients = torch.randn(3, 8, 12, generator=torch.Generator().manual_seed(2))
    stack, single = nn.Parameter(torch.zeros(3, 8, 12)), nn.Parameter(torch.zeros(8, 12))
    stack.grad, single.grad = gradients.clone(), gradients[1].clone()
    MuonAdamW([stack, single]).step()
    assert torch.allclose(stack[1], single, atol=1e-7)
    assert not torch.allclose(stack[0], single, atol=1e-4)


def test_momentum_is_that_of_nesterov():
    first, second = torch.randn(2, 8, 8, generator=torch.Generator().manual_seed(1))
    weight = nn.Parameter(torch.zeros(8, 8))
    optimizer = MuonAdamW([weight], lr=1.0, weight_decay=0.0, momentum=0.9)
    for gradient in (first, second):
        before = weight.detach().clone()
        weight.grad = gradient.clone()
        optimizer.step()
    average = 0.9 * (0.1 * first) + 0.1 * second
    expected = orthogonalize((0.1 * second + 0.9 * average)[None])[0]
    assert torch.allclose(before - weight.detach(), 0.2 * 8**0.5 * expected, atol=1e-5)


def test_the_rest_is_adamw_to_the_bit():
    ours, theirs = layers(), layers()
    settings = dict(lr=3e-3, betas=(0.9, 0.95), weight_decay=0.1)
    learn(ours, MuonAdamW([dict(params=list(ours.parameters()), muon=False)], **settings), 3)
    learn(theirs, torch.optim.AdamW(theirs.parameters(), fused=True, **settings), 3)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)


def test_only_matrices_differ_from_adamw_after_one_step():
    ours, theirs = layers(), layers()
    learn(ours, MuonAdamW(ours.parameters(), lr=1e-3), 1)
    learn(theirs, torch.optim.AdamW(theirs.parameters(), lr=1e-3, betas=(0.9, 0.95), fused=True), 1)
    same = {name: torch.equal(p, dict(theirs.named_parameters())[name]) for name, p in ours.named_parameters()}
    assert [name for name in same if not same[name]] == ['0.weight', '4.weight']


def test_a_resumed_run_takes_the_same_way():
    whole, half = layers(), layers()
    learn(whole, MuonAdamW(whole.parameters()), 4)
    optimizer = MuonAdamW(half.parameters())
    learn(half, optimizer, 2)
    fresh = layers()
    fresh.load_state_dict(half.state_dict())
    resumed = MuonAdamW(fresh.parameters())
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    learn(fresh, resumed, 2)
    for a, b in zip(whole.parameters(), fresh.parameters(), strict=True):
        assert torch.equal(a, b)


def test_parameters_without_gradient_stay():
    used, unused = nn.Parameter(torch.ones(8, 8)), nn.Parameter(torch.ones(8, 8))
    used.grad = torch.eye(8)
    MuonAdamW([used, unused]).step()
    assert torch.equal(unused, torch.ones(8, 8))
    assert not torch.equal(used, torch.ones(8, 8))


def test_a_step_with_an_infinite_scaled_gradient_is_left_out():
    weight, bias = nn.Parameter(torch.ones(8, 8)), nn.Parameter(torch.ones(8))
    optimizer = MuonAdamW([weight, bias])
    scaler = torch.amp.GradScaler('cpu')
    scaler.scale((weight.sum() + bias.sum()) * float('inf')).backward()
    scaler.step(optimizer)
    assert torch.equal(weight, torch.ones(8, 8))
    assert torch.equal(bias, torch.ones(8))


def test_rare_pairs_are_learned_sooner_than_by_adamw():
    """A linear memory of 32 keys, one four hundred times as frequent as another: what Muon is for."""

    def error_of_the_rarest(make_optimizer, steps=100):
        generator = torch.Generator().manual_seed(0)
        keys, values = (torch.linalg.qr(torch.randn(32, 32, generator=generator))[0] for _ in range(2))
        frequency = torch.logspace(0, -2.6, 32)[:, None]
        weight = nn.Parameter(torch.zeros(32, 32))
        optimizer = make_optimizer([weight])
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
        for _ in range(steps):
            optimizer.zero_grad()
            (frequency * (keys @ weight - values).square()).sum().backward()
            optimizer.step()
            schedule.step()
        return (keys @ weight - values)[-8:].square().sum(1).mean().item()

    rates = (1e-2, 3e-2, 1e-1)
    adamw = min(error_of_the_rarest(lambda p, lr=lr: torch.optim.AdamW(p, lr=lr, weight_decay=0)) for lr in rates)
    muon = min(error_of_the_rarest(lambda p, lr=lr: MuonAdamW(p, lr=lr, weight_decay=0)) for lr in rates)
    assert muon < 0.5 * adamw


def test_work_is_divided_evenly_and_completely():
    matrices = [torch.zeros(shape) for shape in [(96, 96)] * 9 + [(96, 384), (384, 96), (8, 16)]]
    shares = divide_work(matrices, 4)
    assert sorted(index for share in shares for index in share) == list(range(12))
    work = [sum(matrices[i].numel() * min(matrices[i].shape) for i in share) for share in shares]
    assert max(work) < 4 / 3 * sum(work) / 4  # the bound of longest processing time first
    assert divide_work(matrices[:1], 3) == [[0], [], []]


@pytest.mark.parametrize('momentum', [-0.1, 1.0])
def test_an_impossible_momentum_is_named(momentum):
    with pytest.raises(ValueError, match='momentum'):
        MuonAdamW([nn.Parameter(torch.ones(8, 8))], momentum=momentum)


def test_paramwise_keys_leave_parameters_to_adamw():
    wrapper = build_optim_wrapper(
        layers(),
        dict(
            optimizer=dict(type=MuonAdamW, lr=1e-3, weight_decay=0.05),
            paramwise_cfg=dict(custom_keys={'4.': dict(muon=False, lr_mult=0.5)}),
        ),
    )
    left = [group for group in wrapper.optimizer.param_groups if not group.get('muon', True)]
    assert [tuple(group['params'][0].shape) for group in left] == [(12, 64), (12,)]
    assert all(group['lr'] == 5e-4 for group in left)


BY_NAME = """
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from torch import nn

with DefaultScope.overwrite_default_scope('mmvg'):
    wrapper = build_optim_wrapper(nn.Linear(8, 8), dict(optimizer=dict(type='MuonAdamW')))
assert type(wrapper.optimizer).__module__ == 'mmvg.engine.optimizers.muon_adamw'
"""


@pytest.mark.slow
def test_a_fresh_interpreter_finds_it_by_name():
    command = [sys.executable, '-c', 'import mmvg.registry' + BY_NAME]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr


SHAPES = [(8, 8), (8, 8), (8, 20), (20, 8), (3, 8, 8), (12, 2, 3, 3), (5,)]


def trained():
    generator = torch.Generator().manual_seed(0)
    params = [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]
    optimizer = MuonAdamW(params, lr=0.01)
    for _ in range(3):
        for param in params:
            param.grad = torch.randn(param.shape, generator=generator)
        optimizer.step()
    few = nn.Parameter(torch.ones(8, 8))  # fewer matrices than processes
    few.grad = torch.randn(8, 8, generator=generator)
    MuonAdamW([few]).step()
    none = nn.Parameter(torch.ones(8))
    none.grad = torch.ones(8)
    MuonAdamW([none]).step()
    return [p.detach() for p in [*params, few, none]]


def train_together(rank, alone):
    for index, (a, b) in enumerate(zip(alone, trained(), strict=True)):
        torch.testing.assert_close(b, a, atol=1e-6, rtol=0)
        copies = [torch.empty_like(b) for _ in range(3)]
        distributed.all_gather(copies, b)
        assert all(torch.equal(copies[0], copy) for copy in copies), index


def test_three_processes_share_the_work_and_agree_to_the_bit(run_in_processes):
    run_in_processes(train_together, 3, trained())
