"""What a model has learned by heart it answers to the pixel; see :mod:`mmvg.analysis.memorise`."""

import inspect
from functools import cache
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope

from mmvg.analysis.memorise import (
    build,
    config_for,
    draw_scenes,
    expressible,
    load_samples,
    logit_grid,
    measure,
    measure_moves,
    memorise,
    perfect_answers,
    recipe_of,
)
from mmvg.config import read_config
from mmvg.models.heads import DistilledBoxHead, GraspHead, RegionHead

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(
    path for path in (ROOT / 'configs').glob('*/*.py') if path.parent.name not in ('_base_', 'hf', 'mmdet')
)
SYSTEMS = sorted(path.parent.name for path in CONFIGS if path.name == 'tiny.py')
slow = pytest.mark.slow


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    """Scenes for inputs of a size: 7/4 as large, so that pictures are resized; those of 16 input pixels are moved."""

    @cache
    def draw(size):
        folder, side = tmp_path_factory.mktemp('scenes'), 7 * size // 4
        items = draw_scenes(folder, sizes=((side, 3 * side // 4), (3 * side // 4, side)), move=28)
        return items, folder / 'vocab.txt'

    return draw


@pytest.mark.parametrize('size', [64, pytest.param(96, marks=slow)])
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


#: Tiny models that no recipe is known for yet, of which only perfect logits are tested (docs/geometry.md).
WITHOUT_RECIPE = ('crog', 'ggcnn', 'grconvnet', 'simvg')


@slow
@pytest.mark.parametrize('size', [64, 96])
@pytest.mark.parametrize('system', [system for system in SYSTEMS if system not in WITHOUT_RECIPE])
def test_a_model_answers_to_the_pixel_what_it_has_learned_by_heart_and_its_answer_moves_with_the_picture(
    system, size, scenes
):
    init_default_scope('mmvg')
    items, vocab_file = scenes(size)
    recipe = recipe_of(system)
    cfg = config_for(ROOT / f'configs/{system}/tiny.py', size, vocab_file, recipe.options)
    found = memorise(cfg, items, recipe)
    assert abs(found['falls']) < 0.1, found  # the loss is flat: between the last two tenths of the steps
    if 'miou' in found:
        assert found['share'] >= 0.97, found
        assert max(abs(found['mask_dx']), abs(found['mask_dy'])) < 0.1, found
        assert found['mask_move'] < 1, found  # of 16 pixels
    if 'box_iou' in found:
        assert found['box_iou'] >= 0.97, found
        assert max(abs(found['box_dx']), abs(found['box_dy'])) < 0.1, found
        assert found['box_move'] < 1, found
    if 'grasp_px' in found:
        assert found['grasp_px'] < 0.3, found
        assert found['grasp_degrees'] < 1, found
        assert found['grasp_opening'] < 0.02, found
        assert found['grasp_move'] < 0.5, found


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
