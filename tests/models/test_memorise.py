"""What a model has learned by heart it answers to the pixel; see :mod:`mmvg.analysis.memorise`."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

from mmvg.analysis.memorise import (
    best_masks,
    build,
    config_for,
    draw_scenes,
    load_samples,
    mask_iou,
    measure,
    perfect_answers,
    true_mask,
)
from mmvg.config import read_config
from mmvg.models.heads import DistilledBoxHead, GraspHead, RegionHead

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(
    path for path in (ROOT / 'configs').glob('*/*.py') if path.parent.name not in ('_base_', 'hf', 'mmdet')
)
SYSTEMS = sorted(path.parent.name for path in CONFIGS if path.name == 'tiny.py')
MASK_LOGITS = ('mask_logits', 'global_mask_logits', 'logits')
slow = pytest.mark.slow


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp('scenes')
    return folder, draw_scenes(folder)


@pytest.mark.parametrize('size', [64, pytest.param(96, marks=slow)])
@pytest.mark.parametrize('system', SYSTEMS)
def test_logits_that_the_loss_is_happy_with_give_the_best_answer_that_their_grid_allows(system, size, scenes):
    init_default_scope('mmvg')
    folder, items = scenes
    cfg = config_for(ROOT / f'configs/{system}/tiny.py', size, folder / 'vocab.txt')
    model = build(cfg).eval()
    model.head.train()  # then it gives all outputs that learn
    train, test = (
        load_samples(loader.dataset.pipeline, items) for loader in (cfg.train_dataloader, cfg.test_dataloader)
    )
    data = model.data_preprocessor(train, training=True)
    with torch.no_grad():
        outputs = model(data['inputs'], data['data_samples'], mode='tensor')
    found = measure(perfect_answers(model.head, outputs, train['data_samples'], test['data_samples']), items)

    assert {'miou', 'box_iou'} & set(found)
    if 'miou' in found:
        grid = next(x.shape[-2:] for key, x in outputs.items() if key in MASK_LOGITS)
        masks = [true_mask(item) for item in items]
        limit = np.mean(
            [mask_iou(*pair) for pair in zip(best_masks(test['data_samples'], masks, grid), masks, strict=True)]
        )
        assert found['miou'] >= 0.97 * limit, (found, limit)
        # the few pixels of eight small masks round off to a tenth of a pixel
        assert max(abs(found['mask_dx']), abs(found['mask_dy'])) < 0.1, found
    if 'box_iou' in found:
        assert found['box_iou'] > 0.99, found
        assert max(abs(found['box_dx']), abs(found['box_dy'])) < 0.01, found
    if 'attention_dx' in found:
        assert max(abs(found['attention_dx']), abs(found['attention_dy'])) < 1.5, found  # of cells of 16 pixels
    if 'grasp_px' in found:
        cell = size / grid[1]
        assert found['grasp_px'] < max(0.3, 0.1 * cell), found  # narrow peaks on coarse cells
        assert found['grasp_degrees'] < 1, found
        assert found['grasp_opening'] < 0.02, found


def setting(part, name):
    """``name`` of a part as its config or, failing that, its class has it."""
    return part.get(name, inspect.signature(part['type']).parameters[name].default)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: f'{path.parent.name}/{path.name}')
def test_the_answer_enlarges_logits_as_the_loss_does(path):
    head = read_config(path).model.head
    if issubclass(head.type, (RegionHead, DistilledBoxHead)):  # logits as large as the input, and none
        return
    answered = setting(head.postprocess, 'align_corners')
    if issubclass(head.type, GraspHead):
        assert answered is False
    elif setting(head.mask_loss, 'resolution') == 'input':
        assert answered == setting(head.mask_loss, 'align_corners')
