"""What the configs and pages of CROG, GR-ConvNet and GG-CNN promise."""

import math

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from shipped_configs import CONFIGS, build, drawn_folder, on_drawn_data, read, size, step_with, table

from mmvg.evaluation.metrics import RESMetric
from mmvg.registry import METRICS, MODELS

SYSTEMS = ('crog', 'grconvnet', 'ggcnn')


def part_of(model, name):
    """A part by the name that it has in a table: of the model, or of its neck."""
    if name == 'total':
        return model
    return model.neck[name] if name in model.neck else model.get_submodule(name)


@pytest.mark.parametrize(
    'config', ['crog/ocid_vlg_multiple.py', 'grconvnet/ocid_vlg_multiple.py', 'ggcnn/grasp_anything.py']
)
def test_the_table_of_parameters_counts_what_the_model_has(config):
    model = build(config)
    rows = table(f'{config.split("/")[0]}/README.md', 'part', 'learnable parameters')
    for name, *cells in rows:
        parameters = list(part_of(model, name).parameters())
        counts = [sum(p.numel() for p in parameters if p.requires_grad is learned) for learned in (True, False)]
        assert [int(cell.replace(',', '')) for cell in cells[:-1]] == counts[: len(cells) - 1], name
    assert [row[0] for row in rows][-1] == 'total'


def test_crog_is_cris_with_four_more_maps():
    crog, cris = build('crog/ocid_vlg_multiple.py'), build('cris/refcoco_r50.py')
    assert size(crog) == pytest.approx(147.11e6, rel=1e-4)  # Table V of LGGD
    assert size(crog) - size(cris) == 4 * (256 * 256 + 256)
    assert all(p.requires_grad for p in crog.parameters())
    shapes = [{name: p.shape for name, p in model.backbone.named_parameters()} for model in (crog, cris)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize('version', ['multiple', 'novel_instances', 'novel_classes'])
def test_crog_is_trained_and_scored_as_its_authors_do(version):
    cfg = read(f'crog/ocid_vlg_{version}.py')
    loaders = (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader)
    assert {loader.dataset.version for loader in loaders} == {version.replace('_', '-')}
    assert [loader.batch_size for loader in loaders[:1]] == [12]
    assert (cfg.train_cfg.max_epochs, cfg.auto_scale_lr.base_batch_size, cfg.sync_bn) == (50, 24, 'torch')
    for loader in loaders:
        assert step_with('pad_value', loader.dataset.pipeline).size == 416
        assert step_with('max_length', loader.dataset.pipeline).max_length == 17
    head, painted = cfg.model.head, step_with('width_norm', cfg.train_dataloader.dataset.pipeline)
    # 100, 3 and 20 of the 640 pixels of a picture
    lengths = (head.postprocess.width_norm, painted.quality_sigma, head.postprocess.jaw_size)
    assert lengths == tuple(pytest.approx(length * 416 / 640) for length in (100, 3, 20))
    assert (head.criterion.where, head.criterion.mask_average, head.criterion.resolution) == (
        'image',
        'pixels',
        'output',
    )
    assert (head.criterion.activation, head.postprocess.activation) == ('none', 'sigmoid')


@pytest.mark.parametrize('config', [config for config in CONFIGS if config.startswith('crog/')])
def test_crog_counts_what_is_above_a_threshold_and_not_at_it(config):
    cfg = read(config)
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        (res,) = [METRICS.build(metric) for metric in evaluator if metric['type'] is RESMetric]
        assert res.comparison == '>'


@pytest.mark.parametrize('config', [config for config in CONFIGS if config.split('/')[0] in SYSTEMS])
def test_widths_of_maps_and_answers_agree(config):
    cfg = read(config)
    assert step_with('width_norm', cfg.train_pipeline).width_norm == cfg.model.head.postprocess.width_norm


@pytest.mark.parametrize('system', ['grconvnet', 'ggcnn'])
@pytest.mark.parametrize('fusion', ['concat', 'film'])
def test_the_text_tower_is_frozen_and_the_rest_learns(system, fusion):
    model = build(f'{system}/grasp_anything.py', f'model.neck.fusion={fusion}')
    frozen = {name.split('.')[1] for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {'text'}
    assert all(p.requires_grad for name, p in model.named_parameters() if not name.startswith('backbone.text'))


def test_the_losses_of_the_floor_are_those_of_their_authors():
    for system, distance in (('grconvnet', 'smooth_l1'), ('ggcnn', 'squared')):
        head = read(f'{system}/grasp_anything.py').model.head
        assert (head.criterion.where, head.criterion.activation) == ('image', 'none')
        assert (head.criterion.distance, head.postprocess.activation) == (distance, 'none')


@pytest.mark.parametrize(
    ('config', 'side'),
    [('crog/grasp_anything.py', 416), ('grconvnet/grasp_anything.py', 224), ('ggcnn/grasp_anything.py', 300)],
)
def test_loaders_of_grasp_anything_give_batches_that_fit_the_model(config, side, refshapes_tiny):
    cfg = on_drawn_data(read(config), refshapes_tiny, 1, 'grasp_anything')
    assert (cfg.model.head.postprocess.width_norm, cfg.model.head.postprocess.jaw_size) == (side / 2, None)
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    assert batch['inputs'][0].shape == (3, side, side)
    assert batch['data_samples'][0].gt_grasp_maps.maps.shape == (4, side, side)


@pytest.mark.parametrize('system', SYSTEMS)
@pytest.mark.parametrize('options', ['', 'model.neck.fusion=film'])
def test_a_few_steps_on_one_batch_lower_every_loss(system, options, refshapes_tiny):
    if options and system == 'crog':
        pytest.skip('the sentence is in its neck and kernel')
    cfg = on_drawn_data(read(f'{system}/tiny.py', options), refshapes_tiny, 4, drawn_folder(system))
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    for group in wrapper.optimizer.param_groups:
        group['lr'] = 5e-3
    history = [
        {key: float(value.detach()) for key, value in model.train_step(batch, wrapper).items()} for _ in range(30)
    ]
    assert all(math.isfinite(value) for step in history for value in step.values())
    for name in ('loss_mask', 'loss_grasp'):
        assert history[-1][name] < 0.8 * history[0][name], name
    losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []
