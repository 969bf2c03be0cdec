"""Configs of CRIS and SegVLM: numbers of the papers, rows of Table 2, and an iteration of training for each of them."""

import argparse
import copy
import functools
import re
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import DictAction
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmengine.runner import Runner
from torch import nn

from mmvg.config import check_config, read_config
from mmvg.refshapes import generate
from mmvg.registry import MODELS

ROOT = Path(__file__).parents[1]
CRIS, SEGVLM = ROOT / 'configs/cris', ROOT / 'configs/segvlm'
BIG = [file for folder in (CRIS, SEGVLM) for file in sorted(folder.glob('*.py')) if file.stem[:3] in ('phr', 'ref')]
BIG = [file for file in BIG if file.stem != 'refshapes']


def name_of(file):
    return f'{file.parent.name}/{file.stem}'


@functools.cache
def _read(file):
    return read_config(file)


def read(file, options=''):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='*', action=DictAction)
    changes = parser.parse_args(['--cfg-options', *options.split()]).cfg_options
    cfg = read_config(file, changes) if changes else copy.deepcopy(_read(file))
    check_config(cfg)
    return cfg


def build(cfg, device='meta'):
    with torch.device(device):
        return MODELS.build(cfg.model)


def size(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def table(readme, *heading):
    """Rows of cells of the table whose heading begins so."""
    rows = None
    for line in readme.read_text(encoding='utf-8').splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if not line.startswith('|'):
            if rows is not None:
                return rows
        elif rows is not None and not set(line) <= set('| -:'):
            rows.append(cells)
        elif tuple(cells[: len(heading)]) == heading:
            rows = []
    return rows


@pytest.mark.parametrize('file', [CRIS / 'refcoco_r50.py', SEGVLM / 'phrasecut.py'], ids=name_of)
def test_clip_learns_at_a_tenth_and_its_positions_at_the_full_rate(file):
    cfg = read(file)
    cfg.optim_wrapper.type = OptimWrapper  # half precision needs a GPU
    for key in ('dtype', 'loss_scale'):
        assert cfg.optim_wrapper.pop(key) in ('float16', 'dynamic')
    model = build(cfg)
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


@pytest.mark.parametrize('file', BIG, ids=name_of)
def test_fifty_epochs_with_the_steps_of_the_papers(file):
    cfg = read(file)
    wrapper = OptimWrapper(torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0))
    (scheduler,) = [PARAM_SCHEDULERS.build(s, default_args=dict(optimizer=wrapper)) for s in cfg.param_scheduler]
    rates = []
    for _ in range(cfg.train_cfg.max_epochs):
        rates.append(wrapper.param_groups[0]['lr'])
        wrapper.optimizer.step()
        scheduler.step()
    first, second = (35, 50) if file.parent == CRIS and file.stem != 'phrasecut' else (15, 30)
    assert rates == pytest.approx([1.0] * first + [0.1] * (second - first) + [0.01] * (50 - second))


@pytest.mark.parametrize('file', BIG, ids=name_of)
def test_sizes_of_text_and_image_and_the_way_back(file):
    cfg = read(file)
    tokens = 22 if file.stem in ('phrasecut', 'refcocog') else 17
    for loader, steps in (('train', cfg.train_pipeline), ('val', cfg.test_pipeline), ('test', cfg.test_pipeline)):
        dataset = cfg[f'{loader}_dataloader'].dataset
        assert dataset.pipeline == steps
        (letterbox,) = [step for step in steps if 'size' in step]
        assert (letterbox.size, letterbox.interpolation) == (416, 'bicubic')
        assert steps[4].max_length == tokens
        if file.stem != 'phrasecut':
            expected = {'refcocoplus': 'refcoco+', 'refcoco_r50': 'refcoco'}.get(file.stem, file.stem)
            assert (dataset.dataset, dataset.text_field) == (expected, 'sent')
    assert cfg.train_dataloader.batch_size == 16
    assert (cfg.model.head.postprocess.mask_thr, cfg.model.head.postprocess.interpolation) == (0.35, 'bicubic')


@pytest.mark.parametrize('paper', [CRIS, SEGVLM], ids=lambda folder: folder.name)
def test_the_parameter_table_counts_what_the_model_has(paper):
    models = {'RN101': build(read(paper / 'phrasecut.py'))}
    if paper == CRIS:
        models['RN50'] = build(read(paper / 'refcoco_r50.py'))
    counted = 0
    for row in table(paper / 'README.md', 'part', 'sheet, M'):
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


ROWS = table(SEGVLM / 'README.md', 'row', 'config', '`--cfg-options`')


def options_of(row, tiny):
    """Config and options of a row of Table 2, of the full or of the tiny model."""
    folder, file = re.fullmatch(r'\[.*\]\((?:\.\./)?(?:(\w+)/)?(\w+)\.py\)', row[1]).groups()
    return (ROOT / 'configs' / (folder or 'segvlm') / f'{"tiny" if tiny else file}.py'), row[2].strip('`')


def test_there_is_a_row_for_each_of_table_2():
    assert [row[0] for row in ROWS] == ['baseline CRIS', '+ RAF', '+ deform + residual', '+ SE']


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row[0])
def test_a_row_of_table_2_has_the_parts_that_it_names(row):
    projector_parts, losses = [], []
    for tiny in (False, True):
        model = build(read(*options_of(row, tiny)))
        step = model.head.projector.steps[0]
        projector_parts.append((hasattr(step.conv, 'offset'), step.shortcut is not None, step.se is not None))
        losses.append([name for name, weight in model.head.mask_loss.weights.items() if weight])
    number = [other[0] for other in ROWS].index(row[0])
    assert projector_parts == [(number >= 2, number >= 2, number >= 3)] * 2
    assert losses == [['bce'] if number == 0 else ['bce', 'focal', 'dice']] * 2


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp('refshapes')
    generate(root, 'tiny', seed=0, formats=['phrasecut', 'refcoco', 'refcoco+', 'refcocog'], workers=1)
    return root


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row[0])
def test_a_row_of_table_2_trains_and_is_scored(row, drawn, tmp_path):
    cfg = read(*options_of(row, tiny=True))
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.update(data_root=str(drawn), indices=8)
        loader.dataset.pipeline[4].tokenizer = dict(type='mmvg.WordTokenizer', vocab_file=str(drawn / 'vocab.txt'))
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


@pytest.mark.parametrize('file', BIG, ids=name_of)
def test_loaders_give_batches_that_fit_the_model(file, drawn):
    cfg = read(file)
    for loader, gt_frame in ((cfg.train_dataloader, 'input'), (cfg.val_dataloader, 'original')):
        loader.dataset.data_root = str(drawn)
        loader.update(num_workers=0, persistent_workers=False, batch_size=2)
        batch = next(iter(Runner.build_dataloader(loader, seed=0)))
        assert [tuple(image.shape) for image in batch['inputs']] == [(3, 416, 416)] * 2
        for sample in batch['data_samples']:
            assert sample.gt_frame == gt_frame
            assert sample.input_ids.shape == (cfg.train_pipeline[4].max_length,)
            last = sample.input_ids[sample.text_mask][-1]
            assert last == sample.input_ids.max() == 49407  # CLIP's end of text


def test_results_say_where_they_come_from():
    for paper in (CRIS, SEGVLM):
        metafile = yaml.safe_load((paper / 'metafile.yml').read_text(encoding='utf-8'))
        for model in metafile['Models']:
            for result in model['Results']:
                assert result['Source'] in ('paper', 'trained here')
                if result['Source'] == 'trained here':
                    assert {'Command', 'Hardware', 'Seeds', 'Hours'} <= set(result)
