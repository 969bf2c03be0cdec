"""Configs of EEVG: the numbers of the authors' code."""

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from shipped_configs import build, on_drawn_data, read, size, step_with, table

from mmvg.models.layers import RelativeAttention, TokenElimination
from mmvg.registry import MODELS

BENCHMARKS = ['refcoco', 'refcocoplus', 'refcocog', 'grefcoco']


@pytest.mark.parametrize('name', BENCHMARKS)
def test_the_recipe_is_that_of_the_authors(name):
    cfg, model = read(f'eevg/{name}.py'), build(f'eevg/{name}.py')
    assert cfg.train_dataloader.batch_size == 20
    assert cfg.train_dataloader.dataset.get('sentence_mode', 'all') == 'all'
    assert cfg.train_cfg.max_epochs == 150
    dataset = {'refcocoplus': 'refcoco+'}.get(name, name)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.get('dataset', 'grefcoco') == dataset
        assert step_with('max_length', loader.dataset.pipeline).max_length == 40
        assert step_with('scale', loader.dataset.pipeline).scale == (448, 448)
    crop = step_with('crop_prob', cfg.train_dataloader.dataset.pipeline)
    assert (crop.size, crop.step, crop.num_sizes, crop.crop_prob) == (448, 32, 7, 0.5)
    blocks = model.backbone.image.vit.blocks
    assert all(isinstance(block.attn, RelativeAttention) for block in blocks)
    assert [i for i, block in enumerate(blocks) if block.attn.window is None] == [2, 5, 8, 11]
    assert {block.attn.window for block in blocks} == {14, None}
    assert {block.norm1.eps for block in blocks} == {1e-6}
    decoder = model.neck['decoder']
    assert isinstance(decoder.elimination, TokenElimination)
    assert (decoder.elimination.threshold, decoder.elimination.keep_rate) == (0.015, 0.1)
    assert tuple(decoder.positions.shape) == (1, 785, 768)
    assert tuple(decoder.text_positions.shape) == (1, 40, 768)
    layer = decoder.layers[2]
    assert (len(decoder.layers), layer.linear1.out_features, layer.self_attn.num_heads) == (3, 1024, 8)
    assert {module.p for module in layer.modules() if isinstance(module, torch.nn.Dropout)} == {0.1}
    head = model.head
    assert (head.mask_loss.edge_weight, head.mask_loss.loss_weight, head.mask_loss.focal_weight) == (1, 1, 1)
    assert (head.box_loss.loss_weight, head.box_loss.beta) == (0.1, 0)


def test_rates_are_those_of_the_authors_and_fall_from_epoch_to_epoch():
    cfg = read('eevg/refcoco.py')
    (schedule,) = cfg.param_scheduler
    assert (schedule.power, schedule.end, schedule.get('convert_to_iter_based', False)) == (0.9, 150, False)
    assert (cfg.optim_wrapper.dtype, cfg.auto_scale_lr.base_batch_size) == ('float16', 80)
    model = MODELS.build(read('eevg/tiny.py').model)
    settings = {key: cfg.optim_wrapper[key] for key in ('optimizer', 'paramwise_cfg')}
    optimizer = build_optim_wrapper(model, dict(settings, type='OptimWrapper')).optimizer
    names = {id(p): name for name, p in model.named_parameters()}
    rates = {names[id(p)]: group['lr'] for group in optimizer.param_groups for p in group['params']}
    for name, rate in rates.items():
        wanted = 1e-5 if name.startswith('backbone.image') else 5e-6 if name.startswith('backbone.text') else 2.5e-5
        assert rate == pytest.approx(wanted), name
    assert {group['weight_decay'] for group in optimizer.param_groups} == {1e-4}


def test_the_parameter_table_counts_what_the_model_has():
    model = build('eevg/refcoco.py')
    parts = dict(
        image=model.backbone.image,
        text=model.backbone.text,
        projection=model.neck['projection'],
        decoder=model.neck['decoder'],
        head=model.head,
        total=model,
    )
    rows = table('eevg/README.md', 'part', 'parameters')
    assert {row[0]: int(row[1].replace(',', '')) for row in rows} == {name: size(part) for name, part in parts.items()}


@pytest.mark.parametrize('name', ['refcoco', 'grefcoco'])
def test_loaders_give_batches_that_fit_the_model(name, refshapes_tiny):
    cfg = on_drawn_data(read(f'eevg/{name}.py'), refshapes_tiny, batch_size=3)
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        found = next(iter(Runner.build_dataloader(loader, seed=0)))
        assert [tuple(image.shape) for image in found['inputs']] == [(3, 448, 448)] * 3
        assert {tuple(sample.input_ids.shape) for sample in found['data_samples']} == {(40,)}


def test_the_small_model_takes_cells_out_and_the_tiny_one_hides_them():
    assert read('eevg/refshapes.py').model.neck.decoder.elimination.compact
    assert not read('eevg/tiny.py').model.neck.decoder.elimination.compact


@pytest.mark.slow
@pytest.mark.parametrize('compact', [False, True])
def test_the_tiny_model_trains_and_is_scored(refshapes_tiny, tmp_path, compact):
    cfg = on_drawn_data(read('eevg/tiny.py'), refshapes_tiny, batch_size=4)
    cfg.model.neck.decoder.elimination.compact = compact
    cfg.work_dir = str(tmp_path / 'work')
    cfg.visualizer = None
    cfg.default_hooks.pop('visualization')
    cfg.experiment_name = f'eevg_tiny_{compact}'
    runner = Runner.from_cfg(cfg)
    runner.train()
    scores = runner.test()
    assert scores['rec/num_samples'] == scores['res/num_samples'] == 12
    assert all(0 <= value <= 100 for value in scores.values())
