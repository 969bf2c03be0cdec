"""LAVT and MagNet as wholes, and Mask Grounding and the alignment loss in every other model that can have them."""

import argparse
import copy
import functools
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import DictAction
from mmengine.runner import Runner

from mmvg.analysis.complexity import training_complexity, true_complexity
from mmvg.config import read_config
from mmvg.models.heads import CrossModalAlignmentHead, MaskedPatchesHead, MaskGroundingHead
from mmvg.registry import MODELS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope='module')
def refshapes(refshapes_tiny):
    return refshapes_tiny


@functools.cache
def _read(name):
    return read_config(ROOT / 'configs' / name)


def tiny(name):
    return copy.deepcopy(_read(name))


def model_and_batch(cfg, root):
    """The model of a tiny config, and a batch of its training data."""
    dataset = cfg.train_dataloader.dataset
    dataset.data_root = str(root)
    for step in dataset.pipeline:
        if 'tokenizer' in step:
            step.tokenizer.vocab_file = str(root / 'vocab.txt')
    cfg.train_dataloader.update(batch_size=4, num_workers=0, persistent_workers=False)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model, next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))


def losses_of(model, batch):
    data = model.train().data_preprocessor(copy.deepcopy(batch), True)
    return model(**data, mode='loss')


@pytest.fixture
def train_one_step(awake, unlearned):
    """Function: the names of the losses; every parameter must learn."""

    def step(model, batch):
        losses = losses_of(awake(model), batch)
        sum(losses.values()).backward()
        # a bias of keys adds the same to every score that a softmax compares
        assert [name for name in unlearned(model) if not name.endswith('l_proj.bias')] == []
        return set(losses)

    return step


@pytest.mark.parametrize(
    'name', ['lavt/tiny.py', 'lavt/tiny_mit.py', 'magnet/tiny.py', 'rela/tiny.py', 'cris/tiny_convnext.py']
)
def test_trains_and_answers(name, refshapes, train_one_step):
    model, batch = model_and_batch(tiny(name), refshapes)
    names = train_one_step(model, batch)
    assert {'loss_bce'} <= names
    data = model.eval().data_preprocessor(copy.deepcopy(batch), False)
    with torch.no_grad():
        answered = model(**data, mode='predict')
    for sample in answered:
        assert sample.pred_sem_seg.sem_seg.shape == (1, *sample.ori_shape[:2])


def rows():
    """The ablations of MagNet's README as options of the tiny config."""
    text = (ROOT / 'configs/magnet/README.md').read_text(encoding='utf-8')
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if re.match(r'\| (3|7)', line) and 'refcoco_224' in line:
            found.append(pytest.param(cells[2], cells[3].strip('`'), id=f'{cells[0]}-{cells[1]}'))
    return found


@pytest.mark.parametrize(('config', 'options'), rows())
def test_the_row_of_an_ablation_trains_a_step(config, options, refshapes, train_one_step):
    cfg, magnet = tiny('lavt/tiny.py'), tiny('magnet/tiny.py')
    if 'lavt' not in config:
        cfg.model.aux_heads = magnet.model.aux_heads
    if '_cam' in config:
        cfg.model.backbone.update(staged_text=True, fusion=magnet.model.backbone.fusion)
    if '_masked_vlm' in config:
        cfg.model.aux_heads.update(alignment=None, patches=PATCHES)
        cfg.model.aux_heads.grounding.inputs = ['text', 'image']
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='*', action=DictAction)
    cfg.merge_from_dict(parser.parse_args(['--cfg-options', *options.split()]).cfg_options)
    model, batch = model_and_batch(cfg, refshapes)
    names = train_one_step(model, batch)
    assert ('grounding.loss_grounding' in names) == ('grounding' in model.aux_heads)
    assert ('patches.loss_patches' in names) == ('_masked_vlm' in config)
    assert len(model.aux_heads) == sum(name not in options for name in ('grounding=None', 'alignment=None')) * (
        'lavt' not in config and 'aux_heads=None' not in options
    )


PATCHES = dict(
    type=MaskedPatchesHead,
    image_channels=64,
    text_channels=16,
    channels=16,
    num_layers=1,
    num_heads=2,
    ffn_channels=16,
    dropout=0.0,
)
GROUNDING = dict(
    type=MaskGroundingHead,
    embed_channels=16,
    vocab_size=128,
    channels=16,
    num_layers=1,
    num_heads=2,
    ffn_channels=16,
    mask_id=None,
    mask_rate=0.5,
)


@pytest.mark.parametrize('paper', ['lavt', 'magnet', 'instancevg', 'cris', 'segvlm', 'raam', 'rela'])
def test_mask_grounding_trains_inside_every_model(paper, refshapes, train_one_step):
    cfg = tiny(f'{paper}/tiny.py')
    plain, batch = model_and_batch(cfg, refshapes)
    data = plain.eval().data_preprocessor(copy.deepcopy(batch), False)
    with torch.no_grad():
        features = plain.backbone(*(data['inputs'][key] for key in ('images', 'input_ids', 'text_mask')))
    unfused = features.images[-1] if features.unfused is None else features.unfused
    rows, width = plain.backbone.token_table.shape
    head = dict(
        image_channels=unfused.shape[1], text_channels=features.text.shape[2], embed_channels=width, vocab_size=rows
    )
    cfg.model.aux_heads = dict(grounding=GROUNDING | head)
    if paper == 'magnet':  # only the alignment loss reads the last text
        cfg.model.backbone.fusion.update_last_text = False
    model, batch = model_and_batch(cfg, refshapes)
    assert losses_of(model, batch)['grounding.loss_grounding'] > 0
    assert 'grounding.loss_grounding' in train_one_step(model, batch)


@pytest.mark.parametrize('paper', ['lavt', 'cris', 'instancevg'])
def test_hidden_patches_train_inside_other_models(paper, refshapes, train_one_step):
    cfg = tiny(f'{paper}/tiny.py')
    plain, batch = model_and_batch(cfg, refshapes)
    data = plain.eval().data_preprocessor(copy.deepcopy(batch), False)
    with torch.no_grad():
        features = plain.extract_features(data['inputs'])
    assert features.pictures is None
    stride = data['inputs']['images'].shape[-1] // features.unfused.shape[-1]
    widths = dict(image_channels=features.unfused.shape[1], text_channels=features.text.shape[2])
    cfg.model.aux_heads = dict(patches=PATCHES | widths | dict(patch_size=stride))
    assert 'patches.loss_patches' in train_one_step(*model_and_batch(cfg, refshapes))


@pytest.mark.parametrize('num_heads', [1, 2])
def test_the_variants_of_lavt_train_and_answer(num_heads, refshapes, train_one_step):
    cfg = tiny('lavt/tiny.py')
    cfg.model.backbone.fusion.num_heads = num_heads
    cfg.model.head.mask_loss.update(bce_weight=0.0, dice_weight=1.0, dice_classes=2, class_weights=None)
    cfg.model.head.no_target_loss = dict(type='NoTargetLoss', loss_weight=1.0)
    cfg.model.head.postprocess.score_thr = 0.5
    model, batch = model_and_batch(cfg, refshapes)
    assert train_one_step(model, batch) == {'loss_dice', 'loss_no_target'}
    data = model.eval().data_preprocessor(copy.deepcopy(batch), False)
    with torch.no_grad():
        answered = model(**data, mode='predict')
    assert all(sample.pred_sem_seg.sem_seg.any() <= (not sample.pred_no_target) for sample in answered)


@pytest.mark.parametrize(('paper', 'pixels', 'text'), [('lavt', 8, 16), ('instancevg', 8, 8)])
def test_the_alignment_loss_trains_inside_other_models(paper, pixels, text, refshapes, train_one_step):
    cfg = tiny(f'{paper}/tiny.py')
    cfg.model.aux_heads = dict(alignment=dict(type=CrossModalAlignmentHead, pixel_channels=pixels, text_channels=text))
    assert {'alignment.loss_p2p', 'alignment.loss_p2t'} <= train_one_step(*model_and_batch(cfg, refshapes))


def test_the_parts_for_training_cost_nothing_afterwards(refshapes):
    cfg = tiny('magnet/tiny.py')
    model, batch = model_and_batch(cfg, refshapes)
    cfg.model.aux_heads = None
    bare, _ = model_and_batch(cfg, refshapes)
    state = {name: value for name, value in model.state_dict().items() if not name.startswith('aux_heads')}
    bare.load_state_dict(state)
    data = model.eval().data_preprocessor(copy.deepcopy(batch), False)
    with torch.no_grad():
        assert torch.equal(
            model(data['inputs'], mode='tensor')['mask_logits'], bare.eval()(data['inputs'])['mask_logits']
        )
    one = {name: value[:1] for name, value in data['inputs'].items()}
    assert true_complexity(model, one) == true_complexity(bare, one)
    added = training_complexity(model, one)
    assert [row.part for row in added] == ['aux_heads.alignment', 'aux_heads.grounding']
    assert all(row.macs > 0 and row.parameters > 0 for row in added)


@torch.no_grad()
def test_padded_tokens_change_neither_the_mask_nor_the_losses(refshapes):
    model, batch = model_and_batch(tiny('magnet/tiny.py'), refshapes)
    for name, parameter in model.named_parameters():
        if 'gate' in name:
            torch.nn.init.normal_(parameter)
    model.eval()
    results = []
    for padding in (0, 5):
        data = model.data_preprocessor(copy.deepcopy(batch), False)
        inputs = data['inputs']
        inputs['input_ids'] = torch.where(inputs['text_mask'], inputs['input_ids'], padding)
        model.aux_heads['grounding'].generator.manual_seed(3)
        results.append((model(inputs, mode='tensor')['mask_logits'], model(inputs, data['data_samples'], 'loss')))
    (first, losses), (second, others) = results
    torch.testing.assert_close(first, second)
    for name, value in losses.items():
        torch.testing.assert_close(others[name], value, msg=name)


def test_an_auxiliary_head_can_be_left_out_by_an_option():
    cfg = tiny('magnet/tiny.py')
    cfg.merge_from_dict({'model.aux_heads.alignment': None})
    assert list(MODELS.build(cfg.model).aux_heads) == ['grounding']
