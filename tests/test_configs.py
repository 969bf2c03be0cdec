"""Every shipped config builds, survives being saved, and does what its paper and its README say."""

import argparse
import copy
import functools
import inspect
import re
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import Config, DictAction
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmengine.runner import Runner
from mmengine.utils import get_object_from_string
from torch import nn

from mmvg.config import check_config, read_config, runner_config
from mmvg.datasets.tokenizers import WordTokenizer
from mmvg.evaluation import CoverAcc
from mmvg.models.losses import PointL1Cost
from mmvg.models.necks import LearnedQueries
from mmvg.refshapes import generate
from mmvg.registry import MODELS

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(p.relative_to(ROOT) for p in (ROOT / 'configs').glob('*/*.py') if p.parent.name != '_base_')
PAPERS = sorted({config.parent for config in CONFIGS})
INSTANCEVG = Path('configs/instancevg')


@functools.cache
def _read(config):
    return read_config(ROOT / config)


def read(config, options=''):
    """The config with ``--cfg-options``, and these as a dict."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='*', action=DictAction)
    changes = parser.parse_args(['--cfg-options', *options.split()]).cfg_options
    if changes:
        return read_config(ROOT / config, changes), changes
    return copy.deepcopy(_read(config)), changes


def build(cfg):
    with torch.device('meta'):
        return MODELS.build(cfg.model)


def size(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def tables(readme):
    """Rows of cells of every table of a Markdown file, by the first cell of its heading."""
    found, rows = {}, None
    for line in (ROOT / readme).read_text(encoding='utf-8').splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if not line.startswith('|'):
            rows = None
        elif rows is None:
            found[tuple(cells)] = rows = []
        elif not set(line) <= set('| -:'):
            rows.append(cells)
    return found


def table(readme, *heading):
    return next(rows for cells, rows in tables(readme).items() if cells[: len(heading)] == heading)


@pytest.mark.parametrize('config', CONFIGS, ids=str)
def test_config_has_no_unknown_key_and_its_model_builds(config):
    cfg, _ = read(config)
    check_config(cfg)
    assert size(build(cfg)) > 0


@pytest.mark.parametrize('config', CONFIGS, ids=str)
def test_a_saved_config_loads_again_and_means_the_same(config, tmp_path):
    cfg = runner_config(read(config)[0])
    cfg.dump(tmp_path / 'saved.py')
    again = Config.fromfile(tmp_path / 'saved.py')
    assert again.to_dict() == cfg.to_dict()
    first, second = build(cfg), build(again)
    assert [name for name, _ in first.named_modules()] == [name for name, _ in second.named_modules()]


@pytest.mark.parametrize('config', CONFIGS, ids=str)
def test_options_of_the_command_line_reach_the_model(config):
    threshold = 'score_thr' if config.parent == INSTANCEVG else 'mask_thr'
    cfg, _ = read(config, f'model.head.postprocess.{threshold}=0.42 randomness.seed=7')
    check_config(cfg)
    assert getattr(MODELS.build(cfg.model.head).postprocess, threshold) == 0.42
    assert cfg.randomness.seed == 7


def test_a_misspelt_option_is_refused():
    cfg, _ = read(INSTANCEVG / 'grefcoco.py', 'model.backbone.drop_path_rates=0.1')
    with pytest.raises(ValueError, match=r"drop_path_rates.*did you mean 'drop_path_rate'"):
        check_config(cfg)


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
    cfg, _ = read(INSTANCEVG / config)
    model = nn.ModuleDict(dict(backbone=nn.Linear(2, 2), neck=nn.Linear(2, 2), head=nn.Linear(2, 2)))
    wrapper = build_optim_wrapper(model, copy.deepcopy(cfg.optim_wrapper))
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
    if 'train_cfg' in cfg:
        assert cfg.train_cfg.max_epochs == len(expected)


def test_the_optimizer_is_amsgrad_with_a_tight_clip():
    cfg, _ = read(INSTANCEVG / 'grefcoco.py')
    wrapper = build_optim_wrapper(nn.Linear(2, 2), copy.deepcopy(cfg.optim_wrapper))
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
    cfg, _ = read(INSTANCEVG / config)
    model = build(cfg)
    assert model.neck.query_generator.num_queries == queries
    assert model.head.mask_loss.negative_weight == negative_weight
    assert cfg.train_pipeline[4].max_length == cfg.test_pipeline[4].max_length == tokens
    assert cfg.train_dataloader.batch_size == batch_size


def test_refcoco_trains_on_the_three_data_sets_and_validates_on_one():
    cfg, _ = read(INSTANCEVG / 'refcoco.py')
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
    cfg, _ = read(INSTANCEVG / 'rrefcoco.py')
    parts = cfg.train_dataloader.dataset.datasets
    assert [part.dataset for part in parts] == ['rrefcoco', 'rrefcoco+', 'rrefcocog']
    assert {(part.split, part.sentence_mode) for part in parts} == {('train', 'random')}
    assert (cfg.val_dataloader.dataset.dataset, cfg.val_dataloader.dataset.split) == ('rrefcoco', 'val')


def test_the_drop_path_of_the_large_model_is_what_was_really_trained():
    assert read(INSTANCEVG / 'refcoco_large.py')[0].model.backbone.drop_path_rate == 0
    assert read(INSTANCEVG / 'refcoco.py')[0].model.backbone.drop_path_rate == 0.1


@pytest.mark.parametrize(('config', 'frame'), [('grefcoco.py', 'original'), ('grefcoco_resized.py', 'input')])
def test_ground_truth_predictions_and_metrics_share_one_frame(config, frame):
    cfg, _ = read(INSTANCEVG / config)
    steps = [
        step['type'].__name__ if isinstance(step['type'], type) else str(step['type']) for step in cfg.test_pipeline
    ]
    annotations = next(i for i, step in enumerate(steps) if 'LoadGroundingAnnotations' in step)
    resize = next(i for i, step in enumerate(steps) if 'Resize' in step)
    assert (annotations < resize) == (frame == 'input')
    assert cfg.model.head.postprocess.frame == frame
    resolution = 'resized' if frame == 'input' else 'original'
    assert {metric.get('resolution', 'original') for metric in cfg.test_evaluator} == {resolution}
    assert cfg.test_dataloader.dataset.pipeline == cfg.val_dataloader.dataset.pipeline == cfg.test_pipeline


@pytest.mark.parametrize('config', [c for c in CONFIGS if c.parent == INSTANCEVG], ids=str)
def test_models_without_prior_points_are_not_scored_by_them(config):
    cfg, _ = read(config)
    model = build(cfg)
    has_points = not isinstance(model.neck.query_generator, LearnedQueries) or model.neck.query_generator.point
    costs = model.head.matcher.assigner.match_costs
    if not has_points:
        assert not any(isinstance(cost, PointL1Cost) for cost in costs)
        assert CoverAcc not in [metric['type'] for metric in cfg.test_evaluator]


@pytest.fixture(scope='module')
def refshapes(tmp_path_factory):
    """The smallest RefShapes, in all formats and folders of the benchmarks."""
    root = tmp_path_factory.mktemp('refshapes')
    generate(root, 'tiny', seed=0, workers=1)
    (root / 'images/trainval2014').symlink_to(root / 'ref-zom/trainval2014')
    return root


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
def test_loaders_give_batches_that_fit_the_model(config, side, tokens, frame, refshapes):
    cfg = copy.deepcopy(read(INSTANCEVG / config)[0])
    train = cfg.train_dataloader.dataset
    for dataset in [*train.get('datasets', [train]), cfg.val_dataloader.dataset]:
        dataset.data_root = str(refshapes)
        if dataset.pipeline[4].tokenizer.get('vocab_file'):  # the real one is not here
            dataset.pipeline[4].tokenizer = dict(type=WordTokenizer, vocab_file=str(refshapes / 'vocab.txt'))
    assert cfg.model.backbone.img_size == side
    for loader, gt_frame in ((cfg.train_dataloader, 'input'), (cfg.val_dataloader, frame)):
        loader.update(num_workers=0, persistent_workers=False, batch_size=3)
        batches = Runner.build_dataloader(loader, seed=0)
        batch = next(iter(batches))
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


ABLATIONS = table(INSTANCEVG / 'README.md', 'table', 'row', 'config')


@pytest.mark.parametrize('row', ABLATIONS, ids=lambda row: f'{row[0]}-{row[1]}')
def test_the_row_of_an_ablation_table_builds(row):
    config = re.fullmatch(r'\[(\S+)\]\(\1\)', row[2]).group(1)
    cfg, _ = read(INSTANCEVG / config, row[3].strip('`'))
    check_config(cfg)
    build(cfg)


def test_the_ablations_cover_every_row_of_tables_7_to_15_and_17():
    counts = {number: sum(row[0] == number for row in ABLATIONS) for number in {row[0] for row in ABLATIONS}}
    # the first row of Table 7 is two models
    assert counts == {'7': 5, '8': 4, '9': 4, '10': 4, '11': 4, '12': 5, '13': 5, '14': 3, '15': 3, '17': 6}


def test_ablation_options_do_what_their_row_says():
    rows = {(row[0], row[1]): row[3].strip('`') for row in ABLATIONS}

    def model(table, row, config='grefcoco_224.py'):
        return build(read(INSTANCEVG / config, rows[table, row])[0])

    assert model('11', 'λ_point 5').head.matcher.assigner.match_costs[-1].weight == 5
    assert model('12', 'N_q 30, 2x').neck.query_generator.num_queries == 30
    postprocess = model('15', 'NT weighted, NMS').head.postprocess
    assert (postprocess.score_weighted, postprocess.nms_thr, postprocess.score_thr) == (True, 0.7, 0.9)
    loss = model('10', 'instance').head.mask_loss
    assert (loss.global_weight, loss.positive_weight, loss.negative_weight) == (0, 1, 0)
    assert list(model('9', 'Def. DETR', 'grefcoco_224_deformable.py').neck)[2] == 'query_decoder'


@pytest.mark.parametrize('paper', PAPERS, ids=str)
def test_the_code_that_a_readme_names_exists(paper):
    rows = table(paper / 'README.md', 'paper', 'what', 'code')
    names = [name for row in rows for name in re.findall(r'`(mmvg\.[\w.]+)`', row[2])]
    assert len(names) >= len(rows)
    for name in names:
        assert callable(get_object_from_string(name)), name


def test_the_options_among_the_differences_exist():
    model = read(INSTANCEVG / 'grefcoco.py')[0].model
    for row in table(INSTANCEVG / 'README.md', 'what', 'paper', 'here, as in the code'):
        path = re.search(r'`([\w.]+)`', row[3]).group(1)
        *parents, last = path.split('.')
        part = model
        for parent in parents:
            part = part[parent]
        if last not in part:
            assert last in inspect.signature(part['type']).parameters, path


def test_the_parameter_table_counts_what_the_model_has():
    model = build(read(INSTANCEVG / 'refcoco.py')[0])
    parts = dict(backbone=model.backbone, head=model.head, total=model, **model.neck)
    for row in table(INSTANCEVG / 'README.md', 'row', 'paper, M'):
        names = row[5].split(', ')
        assert size(*(parts[name] for name in names)) == int(row[6].replace(',', '')), row[5]
    assert size(model.head.boxes) == 133126
    # the released base model has 267,009 numbers without effect
    assert size(build(read(INSTANCEVG / 'grefcoco.py')[0])) == 234_336_716 - 267_009


@pytest.mark.parametrize('paper', PAPERS, ids=str)
def test_the_results_of_a_readme_are_those_of_the_metafile(paper):
    metafile = yaml.safe_load((ROOT / paper / 'metafile.yml').read_text(encoding='utf-8'))
    expected = []
    for model in metafile['Models']:
        config = Path(model['Config'])
        assert config in CONFIGS
        for result in model['Results']:
            scores = ', '.join(f'{name} {value}' for name, value in result['Metrics'].items())
            link = f'[{config.name}]({config.name})'
            seeds, hours = result.get('Seeds', ''), result.get('Hours', '')
            expected.append([link, result['Dataset'], scores, result['Source'], str(seeds), str(hours)])
    assert table(paper / 'README.md', 'config', 'split', 'scores (percent)') == expected


@pytest.mark.parametrize('paper', PAPERS, ids=str)
def test_the_links_of_a_readme_lead_somewhere(paper):
    text = (ROOT / paper / 'README.md').read_text(encoding='utf-8')
    for target in re.findall(r'\]\((?!https?:)([^)#]+)\)', text):
        assert (ROOT / paper / target).exists(), target
