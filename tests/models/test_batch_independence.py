"""The answer to a sample does not depend on the batch it is in, but for the order of floating-point sums.

docs/running.md promises these bounds.
"""

import pytest
import torch
from mmengine.runner import Runner
from shipped_configs import ROOT, on_drawn_data, read

from mmvg.registry import MODELS

SYSTEMS = sorted(path.parent.name for path in ROOT.glob('configs/*/tiny.py'))


def lively_model(cfg):
    """A model whose masks have edges and whose scores differ."""
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    for name, weight in model.named_parameters():
        if 'norm' not in name:
            torch.nn.init.normal_(weight, std=0.3)
    return model.eval()


def answers(model, loader_cfg, batch_size):
    loader_cfg.batch_size = batch_size
    with torch.no_grad():
        return [sample for batch in Runner.build_dataloader(loader_cfg, seed=0) for sample in model.test_step(batch)]


def fields(sample):
    """Every tensor of an answer by name."""
    for part in ('pred_instances', 'pred_grasps', 'pred_sem_seg'):
        for name, value in sample.get(part, {}).items():
            if isinstance(value, torch.Tensor):
                yield f'{part}.{name}', value


@pytest.mark.parametrize('system', SYSTEMS)
def test_answers_are_those_of_any_other_batch(system, refshapes_tiny):
    cfg = on_drawn_data(read(f'{system}/tiny.py'), refshapes_tiny, 1, 'ocid_vlg' if system == 'lggd' else '')
    cfg.test_dataloader.dataset.indices = 6
    model = lively_model(cfg)
    alone = answers(model, cfg.test_dataloader, 1)
    for batch_size in (4, 6):
        for one, other in zip(alone, answers(model, cfg.test_dataloader, batch_size), strict=True):
            for (name, value), (_, again) in zip(fields(one), fields(other), strict=True):
                assert value.shape == again.shape
                if value.dtype == torch.bool:
                    assert (value != again).sum() <= 1e-4 * value.numel(), name
                else:
                    bound = 1e-5 if name.endswith('scores') else 1e-2  # pixels, radians
                    assert torch.allclose(value.float(), again.float(), rtol=0, atol=bound), name
