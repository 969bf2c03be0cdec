"""The answer to a sample does not depend on the batch it is in, but for the order of floating-point sums.

docs/running.md promises these bounds.
"""

import pytest
import torch
from mmcv.cnn.bricks.drop import DropPath
from mmengine.runner import Runner
from shipped_configs import ROOT, drawn_folder, on_drawn_data, read

from mmvg.analysis.complexity import dummy_inputs
from mmvg.models.layers import TokenElimination
from mmvg.registry import MODELS

SYSTEMS = sorted(path.parent.name for path in ROOT.glob('configs/*/tiny.py'))
#: Where text and image meet from the first layer on, nothing can be shared.
JOINT = {'instancevg', 'simvg'}
#: What draws at random in training.
DRAWING = (torch.nn.Dropout, DropPath, TokenElimination)


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
    cfg = on_drawn_data(read(f'{system}/tiny.py'), refshapes_tiny, 1, drawn_folder(system))
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


@pytest.mark.parametrize('training', [False, True])
@pytest.mark.parametrize('system', SYSTEMS)
def test_sentences_about_one_image_get_what_they_get_about_copies_of_it(system, training):
    cfg = read(f'{system}/tiny.py')
    model, inputs = lively_model(cfg), dummy_inputs(cfg)
    generator = torch.Generator().manual_seed(0)
    index = torch.tensor([0, 1, 0, 0])
    images = torch.randn(2, *inputs['images'].shape[1:], generator=generator)
    text = dict(
        input_ids=torch.randint(4, 20, (4, 8), generator=generator), text_mask=torch.ones(4, 8, dtype=torch.bool)
    )
    for module in model.modules():
        module.training = training and not isinstance(module, DRAWING)
    sizes = []
    tower = next(module for module in model.backbone.modules() if isinstance(module, torch.nn.Conv2d))
    tower.register_forward_pre_hook(lambda module, args: sizes.append(len(args[0])))
    shared = model(dict(text, images=images, image_index=index), mode='tensor')
    copies = model(dict(text, images=images[index]), mode='tensor')
    learns = training and any(isinstance(module, torch.nn.BatchNorm2d) for module in image_tower(model).modules())
    assert sizes == [4 if learns or system in JOINT else 2, 4]
    for name, value in shared.items():
        if torch.is_tensor(value):
            torch.testing.assert_close(value, copies[name], rtol=1e-5, atol=1e-5)


def image_tower(model):
    """The part of the encoder that sees the image alone."""
    backbone = model.backbone
    return getattr(backbone, 'image', None) or (backbone.clip.visual if hasattr(backbone, 'clip') else backbone)
