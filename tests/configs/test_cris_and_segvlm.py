"""Configs of CRIS and SegVLM: numbers of the papers, rows of Table 2, and an iteration of training for each of them."""

import re

import pytest
import torch
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmengine.runner import Runner
from shipped_configs import CONFIGS, build, config_of, on_drawn_data, read, size, step_with, table
from torch import nn

#: CRIS where other papers have scored it.
ELSEWHERE = ['cris/grefcoco.py', 'cris/refcoco_224.py', 'cris/refcoco_224_grounding.py', 'cris/rrefcoco.py']
#: The configs of the papers, not those of RefShapes.
BIG = [c for c in CONFIGS if re.match('(cris|segvlm)/(?!tiny|refshapes)', c) and c not in ELSEWHERE]


@pytest.mark.parametrize('config', ['cris/refcoco_r50.py', 'segvlm/phrasecut.py'])
def test_clip_learns_at_a_tenth_and_its_positions_at_the_full_rate(config):
    cfg = read(config)
    cfg.optim_wrapper.type = OptimWrapper  # half precision needs a GPU
    for key in ('dtype', 'loss_scale'):
        assert cfg.optim_wrapper.pop(key) in ('float16', 'dynamic')
    model = build(config)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    assert type(wrapper.optimizer) is torch.optim.Adam
    assert wrapper.clip_grad_kwargs is None  # "clipnorm set to 0" means no clipping
    names = {id(p): name for name, p in model.named_parameters()}
    rates = {names[id(p)]: group['lr'] for group in wrapper.optimizer.param_groups for p in group['params']}
    positions = ['backbone.clip.positional_embedding', 'backbone.clip.visual.attnpool.positional_embedding']
    assert set(rates) == set(names.values())  # nothing is frozen, token embeddings and BatchNorm neither
    for name, rate in rates.items():
        assert rate == (1e-5 if name.startswith('backbone') and name not in positions else 1e-4), name
    assert set(positions) <= set(rates)
    assert all(group['weight_decay'] == 0 for group in wrapper.optimizer.param_groups)
    assert cfg.sync_bn == 'torch'


@pytest.mark.parametrize('config', BIG)
def test_fifty_epochs_with_the_steps_of_the_papers(config):
    cfg = read(config)
    wrapper = OptimWrapper(torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0))
    (scheduler,) = [PARAM_SCHEDULERS.build(s, default_args=dict(optimizer=wrapper)) for s in cfg.param_scheduler]
    rates = []
    for _ in range(cfg.train_cfg.max_epochs):
        rates.append(wrapper.param_groups[0]['lr'])
        wrapper.optimizer.step()
        scheduler.step()
    first, second = (35, 50) if config.startswith('cris/ref') else (15, 30)
    assert rates == pytest.approx([1.0] * first + [0.1] * (second - first) + [0.01] * (50 - second))


@pytest.mark.parametrize('config', BIG)
def test_sizes_of_text_and_image_and_the_way_back(config):
    cfg = read(config)
    name = config.split('/')[1].removesuffix('.py')
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        letterbox = step_with('size', loader.dataset.pipeline)
        assert (letterbox.size, letterbox.interpolation) == (416, 'bicubic')
        tokens = 22 if name in ('phrasecut', 'refcocog') else 17
        assert step_with('max_length', loader.dataset.pipeline).max_length == tokens
        if name != 'phrasecut':
            expected = {'refcocoplus': 'refcoco+', 'refcocog': 'refcocog'}.get(name, 'refcoco')
            assert (loader.dataset.dataset, loader.dataset.text_field) == (expected, 'sent')
    assert cfg.train_dataloader.batch_size == 16
    assert (cfg.model.head.postprocess.mask_thr, cfg.model.head.postprocess.interpolation) == (0.35, 'bicubic')


@pytest.mark.parametrize('config', ELSEWHERE)
def test_cris_elsewhere_is_the_cris_of_refcoco(config):
    cfg, plain = read(config), read('cris/refcoco.py')
    small = '224' in config
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        pipeline = loader.dataset.pipeline
        assert step_with('size', pipeline).size == (224 if small else 416)
        assert step_with('max_length', pipeline).max_length == (17 if small else 22)
        assert step_with('reader', pipeline).reader == 'sent'
    assert (cfg.train_cfg.max_epochs, cfg.param_scheduler[0].milestones) == ((10, [7]) if small else (50, [35]))
    assert cfg.optim_wrapper == plain.optim_wrapper
    assert {key: cfg.model[key] for key in ('backbone', 'neck', 'head')} == {
        key: plain.model[key] for key in ('backbone', 'neck', 'head')
    }
    assert (cfg.model.get('aux_heads') is not None) == ('grounding' in config)
    if not small:
        assert cfg.test_evaluator[0].get('no_target_from', 'mask') == 'mask'


def test_mask_grounding_in_cris_reads_the_tokens_of_clip():
    model = build('cris/refcoco_224_grounding.py')
    grounding = model.aux_heads.grounding
    assert grounding.vocab_bias.shape[0] == model.backbone.token_table.shape[0]
    assert grounding.mask_token.shape[0] == model.backbone.token_table.shape[1]
    assert size(grounding) == pytest.approx(6.83e6, rel=1e-3)  # eight layers of width 256


@pytest.mark.parametrize('paper', ['cris', 'segvlm'])
def test_the_parameter_table_counts_what_the_model_has(paper):
    models = {'RN101': build(f'{paper}/phrasecut.py')}
    if paper == 'cris':
        models['RN50'] = build('cris/refcoco_r50.py')
    counted = 0
    for row in table(f'{paper}/README.md', 'part', 'authors, M'):
        for model, cell in zip(models.values(), row[2:], strict=False):
            clip = model.backbone.clip
            parts = {
                'CLIP image tower': [clip.visual],
                'CLIP text tower': [clip.transformer, clip.token_embedding, clip.ln_final],
                'connect': [model.backbone.connect],
                'neck': [model.neck['fusion']],
                'decoder': [model.neck['decoder']],
                'visual projector': [model.head.projector],
                'text projector': [model.head.kernel],
                'total': [model],
            }[row[0]]
            expected = size(*parts)
            if row[0] == 'CLIP text tower':
                expected += clip.positional_embedding.numel() + clip.text_projection.numel()
            assert int(cell.replace(',', '')) == expected, row[0]
            if row[1] and model is models['RN101']:
                assert round(expected / 1e6, 2) == float(row[1]), row[0]
            counted += 1
    assert counted == 8 * len(models)


ROWS = table('segvlm/README.md', 'row', 'config', '`--cfg-options`')


def config_and_options(row, tiny):
    """Config and options of a row of Table 2, of the full or of the tiny model."""
    config = config_of(row[1], 'segvlm')
    return config.split('/')[0] + '/tiny.py' if tiny else config, row[2].strip('`')


def test_there_is_a_row_for_each_of_table_2():
    assert [row[0] for row in ROWS] == ['baseline CRIS', '+ RAF', '+ deform + residual', '+ SE']


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row[0])
def test_a_row_of_table_2_has_the_parts_that_it_names(row):
    projector_parts, losses = [], []
    for tiny in (False, True):
        model = build(*config_and_options(row, tiny))
        step = model.head.projector.steps[0]
        projector_parts.append((hasattr(step.conv, 'offset'), step.shortcut is not None, step.se is not None))
        losses.append([name for name, weight in model.head.mask_loss.weights.items() if weight])
    number = [other[0] for other in ROWS].index(row[0])
    assert projector_parts == [(number >= 2, number >= 2, number >= 3)] * 2
    assert losses == [['bce'] if number == 0 else ['bce', 'focal', 'dice']] * 2


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row[0])
def test_a_row_of_table_2_trains_and_is_scored(row, refshapes_tiny, tmp_path):
    cfg = on_drawn_data(read(*config_and_options(row, tiny=True)), refshapes_tiny, batch_size=4)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.indices = 8
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.work_dir, cfg.experiment_name, cfg.visualizer = str(tmp_path), f'table2_{ROWS.index(row)}', None
    cfg.default_hooks.pop('visualization')
    runner = Runner.from_cfg(cfg)
    before = {name: p.detach().clone() for name, p in runner.model.named_parameters()}
    runner.train()
    scores = runner.test()
    assert scores['phrasecut/num_samples'] == 8
    assert 0 <= scores['phrasecut/mIoU'] <= 100
    still = [name for name, p in runner.model.named_parameters() if torch.equal(p, before[name])]
    assert not [name for name in still if name.startswith(('head', 'neck'))], still


@pytest.mark.parametrize('config', BIG)
def test_loaders_give_batches_that_fit_the_model(config, refshapes_tiny):
    cfg = on_drawn_data(read(config), refshapes_tiny, batch_size=2)
    for loader, gt_frame in ((cfg.train_dataloader, 'input'), (cfg.val_dataloader, 'original')):
        batch = next(iter(Runner.build_dataloader(loader, seed=0)))
        assert [tuple(image.shape) for image in batch['inputs']] == [(3, 416, 416)] * 2
        for sample in batch['data_samples']:
            assert sample.gt_frame == gt_frame
            assert sample.input_ids.shape == (step_with('max_length', loader.dataset.pipeline).max_length,)
            last = sample.input_ids[sample.text_mask][-1]
            assert last == sample.input_ids.max() == 49407  # CLIP's end of text
