"""What the configs and the page of LGGD promise."""

import inspect
import json
import re

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmengine.runner import Runner
from shipped_configs import CONFIGS, build, on_drawn_data, read, step_with, table
from torch import nn

from mmvg.config import runner_config
from mmvg.engine.runner import GroundingRunner
from mmvg.registry import MODELS

PAGE = 'lggd/README.md'


def encoder_of(cfg):
    return step_with('width_norm', cfg.train_pipeline)


def size(module, learnable):
    return sum(p.numel() for p in module.parameters() if p.requires_grad is learnable)


LADDER = table(PAGE, 'DCVLF', 'LMAFN')


def test_the_table_of_parameters_counts_what_the_model_has():
    model = build('lggd/ocid_vlg_multiple.py')
    parts = dict(backbone=model.backbone, head=model.head, total=model, **model.neck)
    for name, learnable, frozen, _ in table(PAGE, 'part', 'learnable parameters'):
        assert (size(parts[name], True), size(parts[name], False)) == tuple(
            int(cell.replace(',', '')) for cell in (learnable, frozen)
        )
    assert size(model, True) == 68_330_173  # the plan; Table V prints 67.70 M
    assert size(model, True) + size(model, False) == pytest.approx(171.76e6, rel=0.015)


def test_the_ladder_is_that_of_table_vi():
    assert [row[-2:] for row in LADDER] == [
        ['9.73', '31.30'],
        ['79.36', '71.34'],
        ['82.27', '80.16'],
        ['84.53', '82.29'],
        ['85.36', '83.14'],
    ]
    assert [''.join(row[:4]) for row in LADDER] == ['', 'x', 'xx', 'xxx', 'xxxx']


@pytest.mark.parametrize('row', LADDER, ids=lambda row: f'row {"".join(row[:4])}')
def test_a_row_of_table_vi_has_the_parts_that_it_names(row):
    model = build('lggd/ocid_vlg_multiple.py', row[4].strip('`'))
    found = (
        model.neck.fusion.cross_attention,
        model.neck.upsampling.attentive,
        model.head.refinement is not None,
        model.head.coarse.dynamic,
    )
    assert found == tuple(cell == 'x' for cell in row[:4])


@pytest.mark.parametrize(
    ('config', 'whole', 'parts'),
    [
        ('ocid_vlg_multiple_mhsa', 'ocid_vlg_multiple', 'x'),
        ('ocid_vlg_multiple_efficientgrasp', 'ocid_vlg_multiple', 'xx'),
        ('grasp_anything_efficientgrasp', 'grasp_anything', 'xx'),
    ],
)
def test_a_baseline_of_table_i_is_a_row_of_table_vi(config, whole, parts):
    (options,) = [row[4].strip('`') for row in LADDER if ''.join(row[:4]) == parts]
    assert read(f'lggd/{config}.py').to_dict() == read(f'lggd/{whole}.py', options).to_dict()


@pytest.mark.parametrize('row', LADDER, ids=lambda row: f'row {"".join(row[:4])}')
def test_a_row_of_table_vi_trains_an_iteration_on_drawn_data(row, refshapes_tiny):
    cfg = on_drawn_data(read('lggd/tiny.py', row[4].strip('`')), refshapes_tiny, 2, 'ocid_vlg')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    before = {name: p.clone() for name, p in model.named_parameters()}
    losses = model.train_step(batch, optimizer)
    assert all(loss.isfinite() for loss in losses.values())
    # FiLM and U-Nets start at zero: what lies before their last layer moves from the second iteration on
    losses = model.train_step(batch, optimizer)
    unmoved = [name for name, p in model.named_parameters() if torch.equal(p, before[name])]
    sentence_is_read = model.neck.upsampling.attentive or model.head.coarse.dynamic
    assert [name for name in unmoved if sentence_is_read or not name.startswith('backbone.sentence')] == []


@pytest.mark.parametrize(
    ('config', 'iterations', 'version'),
    [
        ('ocid_vlg_multiple.py', 63221 // 72, 'multiple'),
        ('ocid_vlg_novel_instances.py', 22423 // 72, 'novel-instances'),
        ('ocid_vlg_novel_classes.py', 26247 // 72, 'novel-classes'),
    ],
)
def test_the_schedule_is_that_of_the_paper(config, iterations, version):
    cfg = read(f'lggd/{config}')
    loaders = (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader)
    assert {loader.dataset.version for loader in loaders} == {version}
    assert [loader.dataset.split for loader in loaders] == ['train', 'val', 'test']
    assert (cfg.train_dataloader.batch_size, cfg.train_dataloader.drop_last) == (72, True)
    wrapper = build_optim_wrapper(nn.Linear(2, 2), cfg.optim_wrapper)
    assert type(wrapper.optimizer) is torch.optim.AdamW
    assert wrapper.optimizer.defaults['weight_decay'] == 0.06
    schedulers = [
        PARAM_SCHEDULERS.build(scheduler, default_args=dict(optimizer=wrapper, epoch_length=iterations))
        for scheduler in cfg.param_scheduler
    ]
    rates = []
    for _ in range(50 * iterations):
        rates.append(wrapper.optimizer.param_groups[0]['lr'])
        wrapper.optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    assert rates[0] == pytest.approx(1e-5)
    assert rates[1000] == pytest.approx(5.5e-5, rel=1e-2)
    assert max(rates) == pytest.approx(1e-4, rel=1e-3)
    assert rates.index(max(rates)) in (1999, 2000)
    assert rates[(2000 + 50 * iterations) // 2] == pytest.approx(5e-5, rel=1e-2)
    assert rates[-1] < 1e-8


@pytest.mark.parametrize(
    ('config', 'folder', 'ratio', 'sigma', 'width', 'jaw'),
    [
        ('ocid_vlg_multiple.py', 'ocid_vlg', 0.5, 1.05, 35.0, 7.0),
        ('grasp_anything.py', 'grasp_anything', 1 / 3, 0.0, 112.0, None),
    ],
)
def test_loaders_give_batches_that_fit_the_model(config, folder, ratio, sigma, width, jaw, refshapes_tiny):
    cfg = on_drawn_data(read(f'lggd/{config}'), refshapes_tiny, 2, folder)
    encoder = encoder_of(cfg)
    assert (encoder.center_ratio, encoder.quality_sigma, encoder.width_norm) == (ratio, sigma, width)
    assert (cfg.model.head.postprocess.width_norm, cfg.model.head.postprocess.jaw_size) == (width, jaw)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        batch = next(iter(Runner.build_dataloader(loader, seed=0)))
        assert [tuple(image.shape) for image in batch['inputs']] == [(3, 224, 224)] * 2
        for sample in batch['data_samples']:
            assert sample.input_ids.shape == (77,)
            assert sample.gt_grasps.shape[1] == 5
            if loader is cfg.train_dataloader:
                assert sample.gt_grasp_maps.maps.shape == (4, 224, 224)
                assert sample.gt_sem_seg.sem_seg.shape == (1, 224, 224)
                assert sample.gt_grasp_maps.maps[0].max() > 0.3
            else:
                assert sample.gt_frame == 'original'
                assert sample.gt_sem_seg.sem_seg.shape[1:] == sample.ori_shape


def test_widths_of_maps_and_answers_agree_in_every_config():
    for config in CONFIGS:
        if config.startswith('lggd/'):
            cfg = read(config)
            assert encoder_of(cfg).width_norm == cfg.model.head.postprocess.width_norm, config


@pytest.mark.parametrize('config', ['ocid_vlg_multiple.py', 'ocid_vlg_novel_classes.py', 'refshapes.py'])
def test_nothing_is_flipped_or_turned_where_sentences_speak_of_directions(config):
    steps = ' '.join(str(step['type']) for step in read(f'lggd/{config}').train_pipeline)
    assert 'Letterbox' in steps
    assert not re.search('Flip|Turn', steps)


def test_the_options_of_what_is_left_open_exist():
    cfg = read('lggd/ocid_vlg_multiple.py')
    options = [re.search(r'`([\w.]+)`', row[2]) for row in table(PAGE, 'what', 'here', 'option')]
    assert sum(option is not None for option in options) > 15
    for option in options:
        if option is None or option[1].startswith('mmvg.'):
            continue
        *parents, last = option[1].split('.')
        part = cfg
        for parent in parents:
            part = part[int(parent)] if parent.isdigit() else part[parent]
        if isinstance(part, list):
            assert part[int(last)]
        elif last not in part:
            assert last in inspect.signature(part['type']).parameters, option[1]


def test_frozen_towers_stay_as_they_are_when_the_optimizer_steps():
    """Weight decay reaches no weight without a gradient, though the optimizer knows all of them."""
    cfg = read('lggd/ocid_vlg_multiple.py')
    model = nn.ModuleDict(dict(backbone=nn.Linear(2, 2).requires_grad_(False), head=nn.Linear(2, 2)))
    before = model['backbone'].weight.clone()
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    wrapper.update_params(model['head'](model['backbone'](torch.ones(1, 2))).sum())
    torch.testing.assert_close(model['backbone'].weight, before, rtol=0, atol=0)


@pytest.mark.slow
def test_the_tiny_config_trains_answers_and_is_scored(refshapes_tiny, tmp_path):
    cfg = on_drawn_data(read('lggd/tiny.py'), refshapes_tiny, 2, 'ocid_vlg')
    cfg.work_dir = str(tmp_path)
    GroundingRunner.from_cfg(runner_config(cfg)).train()
    scores = json.loads(next(tmp_path.glob('*/vis_data/scalars.json')).read_text().splitlines()[-1])
    assert {'grasp/J@1', 'grasp/J@5', 'grasp/J@1_strict', 'grasp/J@5_strict', 'res/mIoU'} <= scores.keys()
    cfg.load_from = str(tmp_path / 'iter_4.pth')
    cfg.model.head.postprocess.grasps_from = 'mask'  # the baseline answers with the same weights
    found = GroundingRunner.from_cfg(runner_config(cfg)).test()
    assert 0 <= found['grasp/J@1_strict'] <= 100
    assert list(tmp_path.rglob('*.jpg')) or list(tmp_path.rglob('*.png'))  # pictures of answers
