"""Configs of ReLA: the numbers of its public code, and batches that fit the models."""

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from shipped_configs import build, config_of, on_drawn_data, read, size, step_with, table
from torch import nn

from mmvg.models.fusions import PixelWordFusion
from mmvg.models.layers import LN2d

DATASETS = {
    'grefcoco': ('grefcoco', None),
    'refcoco': ('refcoco', None),
    'refcocoplus': ('refcoco+', None),
    'refcocog': ('refcocog', None),  # UMD's is the default
    'refcocog_google': ('refcocog', 'google'),
    'rrefcoco': ('rrefcoco', None),
}
ABLATIONS = ['refcoco_224', 'refcoco_224_mask_grounding']


@pytest.mark.parametrize('name', [*DATASETS, *ABLATIONS, 'grefcoco_swin_tiny'])
def test_images_and_sentences_are_prepared_as_in_the_authors_code(name):
    cfg = read(f'rela/{name}.py')
    dataset, split_by = DATASETS.get(name, ('grefcoco' if name.startswith('gref') else 'refcoco', None))
    side = 224 if name in ABLATIONS else 480
    assert cfg.train_dataloader.batch_size == 6  # eight GPUs, 48 in all
    for loader, empty in ((cfg.train_dataloader, 'skip'), (cfg.val_dataloader, 'keep'), (cfg.test_dataloader, 'keep')):
        resize = step_with('scale', loader.dataset.pipeline)
        assert (resize.scale, resize.keep_ratio) == ((side, side), False)
        assert step_with('max_length', loader.dataset.pipeline).max_length == 20
        read_by = step_with('reader', loader.dataset.pipeline)
        assert (read_by.reader, read_by.empty) == ('raw', empty)
        assert (loader.dataset.get('dataset', 'grefcoco'), loader.dataset.get('split_by')) == (dataset, split_by)
    # every sentence is a sample; a reference of R-RefCOCO has ten negative ones, of which one is drawn
    assert cfg.train_dataloader.dataset.get('sentence_mode', 'all') == ('random' if name == 'rrefcoco' else 'all')
    assert cfg.model.data_preprocessor.mean == [123.675, 116.28, 103.53]
    assert cfg.model.data_preprocessor.bgr_to_rgb
    assert not cfg.model.data_preprocessor.trim_text  # what is read must not depend on the batch


@pytest.mark.parametrize('name', [*DATASETS, *ABLATIONS])
def test_the_model_is_that_of_the_authors_code(name):
    model = build(f'rela/{name}.py')
    assert isinstance(model.backbone.fusion, PixelWordFusion)
    pixels, head, regions = model.neck['decoder'], model.head, model.head.decoder
    assert [norm.num_channels for norm in pixels.norms] == [128, 256, 512, 1024]
    layers = pixels.decoder.encoder.layers
    assert (len(layers), layers[0].self_attn.num_levels, layers[0].self_attn.num_points) == (6, 3, 4)
    assert (len(regions.decoder.layers), tuple(regions.regions.shape)) == (9, (1, 100, 256))
    assert (regions.num_heads, regions.language_weight, regions.language.reads_padding) == (8, 0.1, True)
    weights = (head.mask_loss.bce_weight, head.minimap_loss.loss_weight, head.no_target_loss.loss_weight)
    assert weights == (5.0, 0.5, 0.5)  # MASK_WEIGHT 5 of a sum in which the last two count a tenth
    assert head.mask_loss.dice_weight == 0
    assert head.mask_loss.class_weights == head.minimap_loss.class_weights == (0.9, 1.1)
    assert head.no_target_loss.class_weights.shape == (2,)
    assert (head.postprocess.mask_thr, head.postprocess.score_thr) == (0.5, 0.5)
    assert not head.postprocess.align_corners
    assert list(model.aux_heads) == (['grounding'] if 'grounding' in name else [])


def test_a_step_is_that_of_the_authors_code():
    cfg, model = read('rela/grefcoco.py'), build('rela/grefcoco.py')
    assert (cfg.train_cfg.max_iters, cfg.train_cfg.val_interval) == (300_000, 5000)
    assert (cfg.param_scheduler[0].milestones, cfg.param_scheduler[0].gamma) == ([110_000, 210_000], 0.1)
    assert cfg.optim_wrapper.clip_grad == dict(max_norm=0.01)
    assert cfg.default_hooks.checkpoint.save_best == 'gres/gIoU'
    plain = dict(cfg.optim_wrapper, type='OptimWrapper')  # half precision needs a GPU
    assert (plain.pop('dtype'), plain.pop('loss_scale')) == ('float16', 'dynamic')
    wrapper = build_optim_wrapper(model, plain)
    names = {id(p): name for name, p in model.named_parameters()}
    decay = {names[id(p)]: group['weight_decay'] for group in wrapper.optimizer.param_groups for p in group['params']}
    assert type(wrapper.optimizer) is torch.optim.AdamW
    assert {group['lr'] for group in wrapper.optimizer.param_groups} == {1e-5}
    norms = {name for name, module in model.named_modules() if isinstance(module, (nn.LayerNorm, nn.GroupNorm, LN2d))}
    tables = ('relative_position_bias_table', 'decoder.regions', 'decoder.region_position', 'decoder.level_embedding')
    for name, value in decay.items():
        free = name.rsplit('.', 1)[0] in norms or name.endswith(tables)
        assert value == (0.05 if name.startswith('backbone.text') or not free else 0), name


def test_released_weights_are_scored_as_their_authors_score_them():
    released, plain = read('rela/grefcoco_released.py'), read('rela/grefcoco.py')
    for loader in (released.val_dataloader, released.test_dataloader):
        assert step_with('scale', loader.dataset.pipeline).backend == 'pillow'
    assert [metric.resolution for metric in released.test_evaluator] == ['input']
    assert released.model.head.postprocess.frame == 'input'
    assert 'backend' not in step_with('scale', plain.test_dataloader.dataset.pipeline)


def test_ten_layers_of_bert_are_trained():
    model = build('rela/grefcoco.py')
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    bert = 'backbone.text.bert.'
    last = (f'{bert}embeddings.', f'{bert}encoder.layer.10.', f'{bert}encoder.layer.11.')
    assert frozen == {name for name, _ in model.named_parameters() if name.startswith(last)}
    assert len(frozen) == 5 + 2 * 16
    assert all(p.requires_grad for p in build('rela/tiny.py').parameters())


def test_the_parameter_table_counts_what_the_model_has():
    model = build('rela/grefcoco.py')
    parts = dict(
        backbone=model.backbone,
        decoder=model.neck['decoder'],
        head=model.head,
        total=model,
    )
    rows = table('rela/README.md', 'part', 'parameters')
    assert {row[0]: int(row[1].replace(',', '')) for row in rows if row[0] in parts} == {
        name: size(part) for name, part in parts.items()
    }


ROWS = table('rela/README.md', 'table', 'row')


@pytest.mark.parametrize('row', ROWS, ids=lambda row: f'{row[0]} {row[1]}')
def test_the_row_of_a_table_builds(row):
    model = build(config_of(row[2], 'rela'), row[3].strip('`'))
    assert len(model.aux_heads) == ('Mask Grounding' in row[1])
    assert read(config_of(row[2], 'rela')).size == 224


@pytest.mark.parametrize('name', ['grefcoco', 'refcocoplus', 'rrefcoco'])
def test_loaders_give_batches_that_fit_the_model(name, benchmarks_tiny):
    cfg = on_drawn_data(read(f'rela/{name}.py'), benchmarks_tiny, batch_size=2)
    for loader, frame in ((cfg.train_dataloader, 'input'), (cfg.val_dataloader, 'original')):
        batch = next(iter(Runner.build_dataloader(loader, seed=0)))
        assert [tuple(image.shape) for image in batch['inputs']] == [(3, 480, 480)] * 2
        assert {(sample.gt_frame, len(sample.input_ids)) for sample in batch['data_samples']} == {(frame, 20)}
