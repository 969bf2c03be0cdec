"""Targets, logits and answers are on one grid; see :mod:`mmvg.analysis.memorise`."""

import inspect
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope

from mmvg.analysis.memorise import (
    build,
    config_for,
    expressible,
    load_samples,
    logit_grid,
    measure,
    measure_moves,
    perfect_answers,
)
from mmvg.config import read_config
from mmvg.models.heads import DistilledBoxHead, GraspHead, RegionHead, SparseTokenHead
from tests.by_heart import SYSTEMS, scenes_of

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(
    path for path in (ROOT / 'configs').glob('*/*.py') if path.parent.name not in ('_base_', 'hf', 'mmdet')
)


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    return scenes_of(tmp_path_factory.mktemp('scenes'))


@pytest.mark.parametrize('size', [64, pytest.param(96, marks=pytest.mark.slow)])
@pytest.mark.parametrize('system', SYSTEMS)
def test_logits_that_the_loss_is_happy_with_give_the_best_answer_that_their_grid_allows(system, size, scenes):
    init_default_scope('mmvg')
    items, vocab_file = scenes(size)
    cfg = config_for(ROOT / f'configs/{system}/tiny.py', size, vocab_file)
    model = build(cfg).eval()
    model.head.train()  # then it gives all outputs that learn
    train, test = (
        load_samples(loader.dataset.pipeline, items) for loader in (cfg.train_dataloader, cfg.test_dataloader)
    )
    data = model.data_preprocessor(train, training=True)
    with torch.no_grad():
        outputs = model(data['inputs'], data['data_samples'], mode='tensor')
    answers = perfect_answers(model.head, outputs, train['data_samples'], test['data_samples'])
    found = measure(answers, items) | measure_moves(answers, items)

    assert {'miou', 'box_iou'} & set(found)
    if 'miou' in found:
        limit = expressible(model, test, items)
        assert found['miou'] >= 0.97 * limit, (found, limit)
        # the few pixels of eight small masks round off to a tenth of a pixel
        assert max(abs(found['mask_dx']), abs(found['mask_dy'])) < 0.1, found
    if 'box_iou' in found:
        assert found['box_iou'] > 0.99, found
        assert max(abs(found['box_dx']), abs(found['box_dy'])) < 0.01, found
        assert found['box_move'] < 0.05, found
    if 'attention_dx' in found:
        assert max(abs(found['attention_dx']), abs(found['attention_dy'])) < 1.5, found  # of cells of 16 pixels
    if 'grasp_px' in found:
        cell = size / logit_grid(outputs)[1]
        assert found['grasp_px'] < max(0.3, 0.1 * cell), found  # narrow peaks on coarse cells
        assert found['grasp_move'] < max(0.3, 0.1 * cell), found
        assert found['grasp_degrees'] < 1, found
        assert found['grasp_opening'] < 0.02, found


def setting(part, name):
    """``name`` of a part as its config or, failing that, its class has it."""
    return part.get(name, inspect.signature(part['type']).parameters[name].default)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: f'{path.parent.name}/{path.name}')
def test_the_answer_enlarges_logits_as_the_loss_does(path):
    head = read_config(path).model.head
    if issubclass(head.type, (RegionHead, SparseTokenHead, DistilledBoxHead)):  # logits as large as the input, and none
        return
    answered = setting(head.postprocess, 'align_corners')
    if issubclass(head.type, GraspHead):
        assert answered is False
    elif setting(head.mask_loss, 'resolution') == 'input':
        assert answered == setting(head.mask_loss, 'align_corners')
