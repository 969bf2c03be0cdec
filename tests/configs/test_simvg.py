"""Configs of SimVG: the numbers of the authors, and what is said about them."""

import pytest
import torch
from mmengine.hooks import EMAHook
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmengine.runner import Runner
from shipped_configs import CONFIGS, build, on_drawn_data, read, size, step_with, table
from torch import nn

from mmvg.datasets.transforms import LargeScaleJitter, LoadGroundingAnnotations
from mmvg.evaluation.metrics import RESMetric
from mmvg.models.heads import DistilledBoxHead
from mmvg.models.losses import GroundingTargets

README = 'simvg/README.md'
WARM = [0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ('config', 'lr', 'expected'),
    [
        ('refcoco.py', 5e-4, WARM + [1] * 22 + [0.1] * 5),
        ('refcoco_large.py', 5e-4, WARM + [1] * 22 + [0.1] * 5),
        ('refcoco_stage2.py', 3e-4, WARM + [1] * 12 + [0.1] * 5),
        ('grefcoco.py', 5e-4, WARM + [1] * 177 + [0.1] * 20),
    ],
)
def test_learning_rates_per_epoch_are_those_of_the_authors(config, lr, expected):
    cfg = read(f'simvg/{config}')
    wrapper = build_optim_wrapper(nn.ModuleDict(dict(head=nn.Linear(2, 2))), cfg.optim_wrapper)
    schedulers = [
        PARAM_SCHEDULERS.build(scheduler, default_args=dict(optimizer=wrapper)) for scheduler in cfg.param_scheduler
    ]
    for factor in expected:
        assert wrapper.optimizer.param_groups[0]['lr'] == pytest.approx(factor * lr, rel=1e-6)
        wrapper.optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    assert cfg.train_cfg.max_epochs == len(expected)


@pytest.mark.parametrize(
    ('config', 'queries', 'batch_size', 'weights'),
    [
        ('refcoco.py', 1, 32, (2.0, 1.0)),
        ('refcocog_large.py', 1, 4, (1.0, 0.4)),
        ('grefcoco.py', 10, 32, (2.0, 1.0)),
    ],
)
def test_numbers_that_differ_between_the_tasks(config, queries, batch_size, weights):
    cfg, model = read(f'simvg/{config}'), build(f'simvg/{config}')
    assert model.neck.query_generator.table.num_embeddings == queries
    assert (model.head.distillation.truth_weight, model.head.distillation.teacher_weight) == weights
    assert cfg.train_dataloader.batch_size == batch_size
    assert step_with('max_length', cfg.train_pipeline).max_length == 20


def test_the_first_stage_trains_the_decoder_alone_and_the_second_starts_from_it():
    first, second = read('simvg/refcoco_stage1.py'), read('simvg/refcoco_stage2.py')
    assert first.model.head.distillation is None
    assert first.model.head.branch == 'decoder'
    assert [hook['type'] for hook in first.custom_hooks] == [EMAHook]
    assert second.load_from == 'work_dirs/simvg_refcoco_stage1/epoch_30.pth'
    names = [set(build(f'simvg/refcoco_stage{i}.py').state_dict()) for i in (1, 2)]
    assert names[0] == names[1]  # so that the weights fit without an exception


@pytest.mark.parametrize('config', [name for name in CONFIGS if name.startswith('simvg/')])
def test_models_of_boxes_read_masks_for_auxiliary_heads_only_and_are_not_scored_by_them(config):
    cfg = read(config)
    assert cfg.model.head.type is DistilledBoxHead
    for pipeline in (cfg.train_pipeline, cfg.test_pipeline):
        (annotations,) = [step for step in pipeline if step['type'] is LoadGroundingAnnotations]
        assert annotations['with_mask'] == bool(cfg.model.get('aux_heads'))
    assert not any(issubclass(metric['type'], RESMetric) for metric in cfg.test_evaluator)
    jitters = [step for step in cfg.train_pipeline if step['type'] is LargeScaleJitter]
    assert len(jitters) == ('/refcoco' in config)


@pytest.mark.parametrize('config', ['refcoco.py', 'grefcoco.py'])
def test_loaders_give_batches_of_boxes_without_masks(config, benchmarks_tiny):
    cfg = on_drawn_data(read(f'simvg/{config}'), benchmarks_tiny, batch_size=3)
    for loader, frame in ((cfg.train_dataloader, 'input'), (cfg.val_dataloader, 'original')):
        batch = next(iter(Runner.build_dataloader(loader, seed=0)))
        assert [tuple(image.shape) for image in batch['inputs']] == [(3, 640, 640)] * 3
        for sample in batch['data_samples']:
            assert sample.gt_frame == frame
            assert 'masks' not in sample.gt_instances
            assert 'gt_sem_seg' not in sample
    targets = GroundingTargets.from_samples(
        next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))['data_samples'], torch.device('cpu')
    )
    assert targets.masks is None
    assert ((targets.boxes_cxcywh_norm >= 0) & (targets.boxes_cxcywh_norm <= 1)).all()


def test_the_parameter_table_counts_what_the_model_has():
    for row in table(README, 'part', 'base, parameters'):
        for config, cell in (('refcoco.py', row[1]), ('refcoco_large.py', row[2])):
            model = build(f'simvg/{config}')
            token = [model.head.mlp, model.head.boxes['token']]
            parts = {
                'backbone': [model.backbone],
                'projection': [model.neck.projection],
                'query generator': [model.neck.query_generator],
                'token branch': token,
                'decoder branch': [model.head.decoder, model.head.boxes['decoder']],
                'total': [model],
            }
            assert size(*parts[row[0]]) == int(cell.replace(',', '')), row[0]


@pytest.mark.parametrize('row', table(README, 'what', '`--cfg-options`'), ids=lambda row: row[0])
def test_the_options_of_the_ablations_build(row):
    assert size(build('simvg/refcoco.py', row[1].strip('`'))) > 0
