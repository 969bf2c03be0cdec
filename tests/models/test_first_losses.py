"""The first losses and answers of every tiny config are those of ``first_losses.json``, to four digits.

A net under changes that must not alter numbers: it reaches from the files of RefShapes through pipeline, model, losses
and optimizer to the answers in original pixels. A change that means to alter numbers records them again, and its commit
says why::

    python -m pytest tests/models/test_first_losses.py --record-first-losses
"""

import copy
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner, set_random_seed

from mmvg.config import read_config
from mmvg.engine.optimizers import BF16OptimWrapper
from mmvg.registry import MODELS

ROOT = Path(__file__).parents[2]
RECORD = Path(__file__).with_name('first_losses.json')
SYSTEMS = sorted(path.parent.name for path in ROOT.glob('configs/*/tiny.py'))
STEPS = 3


def build_by_name(model_cfg):
    """Two models whose drawn weights depend on name and shape of a parameter only, and are doubled in the second.

    What is constant at the start (biases, scales, priors) stays as the model sets it, and the order in which the parts
    are built does not matter. The first trains smoothly; in the second masks have edges and scores differ.
    """
    models = [build_with_seed(model_cfg, seed) for seed in (0, 1)]
    for (name, first), second in zip(models[0].named_parameters(), models[1].parameters(), strict=True):
        if not torch.equal(first, second):
            rng = np.random.default_rng(zlib.crc32(name.encode()))
            fan_in = first[0].numel() if first.ndim > 1 else first.numel()
            drawn = torch.from_numpy(rng.standard_normal(tuple(first.shape)) / np.sqrt(fan_in))
            first.data.copy_(drawn)
            second.data.copy_(2 * drawn)
    return models


def build_with_seed(model_cfg, seed):
    set_random_seed(seed)
    model = MODELS.build(model_cfg)
    model.init_weights()
    return model


def first_batches(loader_cfg, count):
    """The first batches of a data loader, all in this process."""
    loader_cfg.update(num_workers=0, persistent_workers=False)
    set_random_seed(0)
    loader = Runner.build_dataloader(loader_cfg, seed=0)
    return [batch for _, batch in zip(range(count), loader, strict=False)]


def first_losses(cfg, model):
    """Named losses of the first training steps."""
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    model.train()
    steps = []
    for batch in first_batches(cfg.train_dataloader, STEPS):
        losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
        total, named = model.parse_losses(losses)
        steps.append({name: float(value.detach()) for name, value in named.items()})
        optim_wrapper.update_params(total)
    return steps


def first_loss_in_bfloat16(cfg, model):
    """The first total loss under ``--amp bf16``, and whether every weight that gets a gradient gets a finite one."""
    model = copy.deepcopy(model).train()
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper | dict(type=BF16OptimWrapper))
    (batch,) = first_batches(cfg.train_dataloader, 1)
    set_random_seed(0)
    with wrapper.optim_context(model):
        total, _ = model.parse_losses(model(**model.data_preprocessor(batch, training=True), mode='loss'))
    wrapper.backward(total)
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    return float(total.detach()), all(g.dtype == torch.float32 and g.isfinite().all() for g in gradients)


def first_answers(cfg, model):
    """A few numbers of every answer to the first batch of the test split."""
    model.eval()
    (batch,) = first_batches(cfg.test_dataloader, 1)
    with torch.no_grad():
        samples = model(**model.data_preprocessor(batch), mode='predict')
    return [digest(sample) for sample in samples]


def digest(sample):
    """Counts and sums in which a change of an answer shows."""
    numbers = {}
    for part in ('pred_instances', 'pred_grasps'):
        for key, value in sample.get(part, {}).items():
            numbers[f'{part}.{key} count'] = len(value)
            columns = value.double().sum((0, 1)).sum(0, True) if value.ndim == 3 else value.double().sum(0).reshape(-1)
            numbers.update({f'{part}.{key} sum {i}': float(column) for i, column in enumerate(columns)})
    if 'pred_sem_seg' in sample:
        numbers['pred_sem_seg area'] = int(sample.pred_sem_seg.sem_seg.sum())
    for key in ('pred_no_target', 'target_score'):
        if sample.get(key) is not None:
            numbers[key] = float(sample.get(key))
    return numbers


def rounded(numbers):
    return {key: float(f'{value:.7g}') for key, value in numbers.items()}


def about(value, key):
    """Four digits of a loss, three of an answer; a few pixels lie on the threshold of a mask."""
    if 'loss' in key or 'iou' in key:
        return pytest.approx(value, rel=1e-4, abs=1e-6)
    return pytest.approx(value, rel=1e-3, abs=10 if 'masks sum' in key or 'area' in key else 1e-4)


@pytest.fixture
def first_numbers(refshapes_tiny, tmp_path, monkeypatch):
    """Function: what the tiny config of a system computes first."""
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/refshapes_tiny').symlink_to(refshapes_tiny)
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the order of a sum is the same everywhere

    def compute(system):
        cfg = read_config(ROOT / f'configs/{system}/tiny.py')
        smooth, lively = build_by_name(cfg.model)
        in_bfloat16 = first_loss_in_bfloat16(cfg, smooth)
        return dict(answers=first_answers(cfg, lively), losses=first_losses(cfg, smooth), in_bfloat16=in_bfloat16)

    yield compute
    torch.set_num_threads(threads)


@pytest.mark.parametrize('system', SYSTEMS)
def test_first_losses_and_answers_are_those_on_record(system, first_numbers, request):
    found = first_numbers(system)
    recorded = json.loads(RECORD.read_text()) if RECORD.is_file() else {}
    if request.config.getoption('--record-first-losses'):
        recorded[system] = {part: [rounded(each) for each in found[part]] for part in ('losses', 'answers')}
        RECORD.write_text(json.dumps(recorded, indent=1, sort_keys=True) + '\n')
    else:
        loss, finite = found['in_bfloat16']
        assert finite
        assert loss == pytest.approx(recorded[system]['losses'][0]['loss'], rel=0.05)
        assert loss != recorded[system]['losses'][0]['loss'], (
            'bfloat16 computes the same digits: it was not switched on'
        )
        for part in ('losses', 'answers'):
            assert len(found[part]) == len(recorded[system][part])
            for i, (now, before) in enumerate(zip(found[part], recorded[system][part], strict=True)):
                expected = {key: about(value, key) for key, value in before.items()}
                assert now == expected, f'{part}[{i}] of {system} are not those of {RECORD.name}'
