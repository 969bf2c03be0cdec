"""Configs of InstanceVG: the numbers of the authors, the rows of the ablations, and batches that fit the models."""

import inspect
import re

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmengine.runner import Runner
from shipped_configs import CONFIGS, ROOT, build, config_of, on_drawn_data, read, size, step_with, table
from torch import nn

from mmvg.config import read_config
from mmvg.datasets.transforms import LoadGroundingAnnotations
from mmvg.evaluation import CoverAcc
from mmvg.models.losses import PointL1Cost
from mmvg.models.necks import LearnedQueries
from mmvg.registry import METRICS

README = 'instancevg/README.md'


@pytest.mark.parametrize(
    ('config', 'expected'),
    [
        ('grefcoco.py', [0.5] + [1] * 5 + [0.1] * 4),
        ('refzom.py', [0.5] + [1] * 5 + [0.1] * 4),
        ('rrefcoco.py', [0.5] + [1] * 5 + [0.1] * 4),
        ('refcoco.py', [0.25, 0.5, 0.75] + [1] * 11 + [0.1] * 6),
        ('refcoco_large.py', [0.25, 0.5, 0.75] + [1] * 11 + [0.1] * 6),
    ],
)
def test_learning_rates_per_epoch_are_those_of_the_authors(config, expected):
    cfg = read(f'instancevg/{config}')
    model = nn.ModuleDict(dict(backbone=nn.Linear(2, 2), neck=nn.Linear(2, 2), head=nn.Linear(2, 2)))
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    schedulers = [
        PARAM_SCHEDULERS.build(scheduler, default_args=dict(optimizer=wrapper)) for scheduler in cfg.param_scheduler
    ]
    names = {id(p): name for name, p in model.named_parameters()}
    for factor in expected:
        for group in wrapper.optimizer.param_groups:
            base = 5e-5 if names[id(group['params'][0])].startswith('backbone') else 5e-4
            assert group['lr'] == pytest.approx(factor * base, rel=1e-6)
        wrapper.optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    assert cfg.train_cfg.max_epochs == len(expected)


def test_the_optimizer_is_amsgrad_with_a_tight_clip():
    cfg = read('instancevg/grefcoco.py')
    wrapper = build_optim_wrapper(nn.Linear(2, 2), cfg.optim_wrapper)
    assert type(wrapper.optimizer) is torch.optim.Adam
    defaults = wrapper.optimizer.defaults
    assert (defaults['amsgrad'], defaults['betas'], defaults['eps']) == (True, (0.9, 0.98), 1e-9)
    assert defaults['weight_decay'] == 0
    assert wrapper.clip_grad_kwargs == dict(max_norm=0.15, norm_type=2)


@pytest.mark.parametrize(
    ('config', 'queries', 'negative_weight', 'tokens', 'batch_size'),
    [
        ('grefcoco.py', 10, 0.2, 50, 16),
        ('refzom.py', 10, 0.2, 50, 16),
        ('rrefcoco.py', 10, 0.2, 50, 16),
        ('refcoco.py', 1, 0.0, 20, 16),
        ('refcoco_large.py', 1, 0.0, 20, 4),
    ],
)
def test_numbers_that_differ_between_the_tasks(config, queries, negative_weight, tokens, batch_size):
    cfg = read(f'instancevg/{config}')
    model = build(f'instancevg/{config}')
    assert model.neck.query_generator.num_queries == queries
    assert model.head.mask_loss.negative_weight == negative_weight
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert step_with('max_length', loader.dataset.pipeline).max_length == tokens
    assert step_with('max_length', cfg.train_pipeline).max_length == tokens
    assert cfg.train_dataloader.batch_size == batch_size


def test_refcoco_trains_on_the_three_data_sets_and_validates_on_one():
    cfg = read('instancevg/refcoco.py')
    train = cfg.train_dataloader.dataset
    assert inspect.signature(train.type).parameters['sources'].default == (
        ('refcoco', 'unc'),
        ('refcoco+', 'unc'),
        ('refcocog', 'umd'),
    )
    assert 'sources' not in train
    assert train.leakage == 'keep'  # as the authors trained
    assert cfg.val_dataloader.dataset.dataset == 'refcoco'


def test_rrefcoco_trains_on_the_three_data_sets_and_validates_on_one():
    cfg = read('instancevg/rrefcoco.py')
    parts = cfg.train_dataloader.dataset.datasets
    assert [part.dataset for part in parts] == ['rrefcoco', 'rrefcoco+', 'rrefcocog']
    assert {(part.split, part.sentence_mode) for part in parts} == {('train', 'random')}
    assert (cfg.val_dataloader.dataset.dataset, cfg.val_dataloader.dataset.split) == ('rrefcoco', 'val')


def test_the_drop_path_of_the_large_model_is_what_was_really_trained():
    assert read('instancevg/refcoco_large.py').model.backbone.drop_path_rate == 0
    assert read('instancevg/refcoco.py').model.backbone.drop_path_rate == 0.1


@pytest.mark.parametrize('frame', ['original', 'input'])
def test_two_best_checkpoints_are_chosen_by_means_over_three_val_sets(frame):
    cfg = read('instancevg/refcoco_two_best.py', f'frame={frame}')
    parts = cfg.val_dataloader.dataset.datasets
    assert [(part.dataset, part.split) for part in parts] == [(x, 'val') for x in ('refcoco', 'refcoco+', 'refcocog')]
    assert {part.pipeline[-1]['type'] for part in parts} == {cfg.test_pipeline[-1]['type']}
    metrics = [METRICS.build(metric) for metric in cfg.val_evaluator]
    assert [metric.metric.prefix for metric in metrics] == ['rec', 'res']
    assert {metric.metric.protocol['resolution'] for metric in metrics} == {frame}
    assert list(cfg.default_hooks.checkpoint.save_best) == ['rec/mean/P@0.5', 'res/mean/mIoU']


@pytest.mark.parametrize('frame', ['original', 'input'])
@pytest.mark.parametrize(
    'config',
    [
        *(f'instancevg/{name}.py' for name in ('grefcoco', 'refcoco', 'refcoco_large', 'refzom', 'rrefcoco', 'tiny')),
        *(f'{paper}/{name}.py' for paper in ('lavt', 'magnet') for name in ('refcoco', 'refcocog', 'refcoco_224')),
        *(f'raam/{name}.py' for name in ('refcoco', 'grefcoco', 'grefcoco_lavt')),
        *(f'rela/{name}.py' for name in ('refcoco', 'grefcoco')),
        'cris/refcoco.py',
        'segvlm/refcoco.py',
    ],
)
def test_one_setting_moves_ground_truth_predictions_and_metrics_to_the_input(config, frame):
    cfg = read_config(ROOT / 'configs' / config, dict(frame=frame))
    (annotations,) = [step for step in cfg.test_pipeline if step['type'] is LoadGroundingAnnotations]
    assert annotations['frame'] == frame
    assert cfg.model.head.postprocess.frame == frame
    assert {metric.get('resolution', 'original') for metric in cfg.test_evaluator} == {frame}
    rules = dict(instancevg='floor', lavt='center', magnet='center')
    if config.split('/')[0] in rules:
        assert annotations['mask_rule'] == rules[config.split('/')[0]]  # the authors'
    assert cfg.test_dataloader.dataset.pipeline == cfg.val_dataloader.dataset.pipeline == cfg.test_pipeline


@pytest.mark.parametrize('config', [config for config in CONFIGS if config.startswith('instancevg/')])
def test_models_without_prior_points_are_not_scored_by_them(config):
    model = build(config)
    has_points = not isinstance(model.neck.query_generator, LearnedQueries) or model.neck.query_generator.point
    costs = model.head.matcher.assigner.match_costs
    if not has_points:
        assert not any(isinstance(cost, PointL1Cost) for cost in costs)
        assert CoverAcc not in [metric['type'] for metric in read(config).test_evaluator]


@pytest.mark.parametrize(
    ('config', 'side', 'tokens', 'frame'),
    [
        ('grefcoco.py', 320, 50, 'original'),
        ('grefcoco_resized.py', 320, 50, 'input'),
        ('refcoco.py', 320, 20, 'original'),
        ('refzom.py', 320, 50, 'original'),
        ('rrefcoco.py', 320, 50, 'original'),
        ('grefcoco_224_clip.py', 224, 50, 'input'),
    ],
)
def test_loaders_give_batches_that_fit_the_model(config, side, tokens, frame, benchmarks_tiny):
    cfg = on_drawn_data(read(f'instancevg/{config}'), benchmarks_tiny, batch_size=3)
    assert cfg.model.backbone.img_size == side
    for loader, gt_frame in ((cfg.train_dataloader, 'input'), (cfg.val_dataloader, frame)):
        batch = next(iter(Runner.build_dataloader(loader, seed=0)))
        assert [tuple(image.shape) for image in batch['inputs']] == [(3, side, side)] * 3
        for sample in batch['data_samples']:
            assert sample.input_ids.shape == (tokens,)
            assert sample.gt_frame == gt_frame
            assert sample.gt_instances.masks.masks.shape[1:] == (
                (side, side) if gt_frame == 'input' else sample.ori_shape
            )
        if gt_frame == 'input':
            upright = [sample.ori_shape[0] > sample.ori_shape[1] for sample in batch['data_samples']]
            assert all(upright) or not any(upright)


ABLATIONS = table(README, 'table', 'row', 'config')


@pytest.mark.parametrize('row', ABLATIONS, ids=lambda row: f'{row[0]}-{row[1]}')
def test_the_row_of_an_ablation_table_builds(row):
    assert size(build(config_of(row[2], 'instancevg'), row[3].strip('`'))) > 0


def test_the_ablations_cover_every_row_of_tables_7_to_15_and_17():
    counts = {number: sum(row[0] == number for row in ABLATIONS) for number in {row[0] for row in ABLATIONS}}
    # the first row of Table 7 is two models
    assert counts == {'7': 5, '8': 4, '9': 4, '10': 4, '11': 4, '12': 5, '13': 5, '14': 3, '15': 3, '17': 6}


def test_ablation_options_do_what_their_row_says():
    rows = {(row[0], row[1]): row[3].strip('`') for row in ABLATIONS}

    def model(table, row, config='grefcoco_224.py'):
        return build(f'instancevg/{config}', rows[table, row])

    costs = model('11', 'λ_point 5').head.matcher.assigner.match_costs
    assert [cost.weight for cost in costs if isinstance(cost, PointL1Cost)] == [5]
    assert model('12', 'N_q 30, 2x').neck.query_generator.num_queries == 30
    longer = read('instancevg/grefcoco_224.py', rows['12', 'N_q 30, 2x'])
    assert longer.train_cfg == read('instancevg/refcoco.py').train_cfg
    assert longer.param_scheduler == read('instancevg/refcoco.py').param_scheduler
    strict = read('instancevg/grefcoco_224.py', rows['13', 'thr_q 0.9'])
    assert [metric.get('score_thr') for metric in strict.val_evaluator] == [0.9, None, None]
    assert strict.val_evaluator == strict.test_evaluator
    postprocess = model('15', 'NT weighted, NMS').head.postprocess
    assert (postprocess.score_weighted, postprocess.nms_thr, postprocess.score_thr) == (True, 0.7, 0.9)
    loss = model('10', 'instance').head.mask_loss
    assert (loss.global_weight, loss.positive_weight, loss.negative_weight) == (0, 1, 0)
    assert list(model('9', 'Def. DETR', 'grefcoco_224_deformable.py').neck)[2] == 'query_decoder'


def test_the_options_among_the_differences_exist():
    model = read('instancevg/grefcoco.py').model
    for row in table(README, 'what', 'paper', 'here, as in the code'):
        path = re.search(r'`([\w.]+)`', row[3]).group(1)
        *parents, last = path.split('.')
        part = model
        for parent in parents:
            part = part[parent]
        if last not in part:
            assert last in inspect.signature(part['type']).parameters, path


def test_the_parameter_table_counts_what_the_model_has():
    model = build('instancevg/refcoco.py')
    parts = dict(backbone=model.backbone, head=model.head, total=model, **model.neck)
    for row in table(README, 'row', 'paper, M'):
        names = row[5].split(', ')
        assert size(*(parts[name] for name in names)) == int(row[6].replace(',', '')), row[5]
    assert size(model.head.boxes) == 133126
    # the released base model has 267,009 numbers without effect
    assert size(build('instancevg/grefcoco.py')) == 234_336_716 - 267_009
