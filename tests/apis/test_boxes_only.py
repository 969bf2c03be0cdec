"""Training and scoring on data that has boxes and no masks."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmvg.apis import evaluate, load_config, train
from mmvg.datasets import JSONLDataset

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Eight pictures of noise with a box each, or none."""
    root = tmp_path_factory.mktemp('boxes')
    (root / 'images').mkdir()
    lines = []
    for i in range(8):
        pixels = np.random.default_rng(i).integers(0, 255, (96, 128, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f'images/{i}.png')
        boxes = [[10, 20, 40, 60]][: i % 4]
        lines.append(dict(image=f'{i}.png', expression='the red ring', boxes=boxes, no_target=not boxes))
    (root / 'all.jsonl').write_text('\n'.join(map(json.dumps, lines)) + '\n')
    (root / 'vocab.txt').write_text('\n'.join(['[PAD]', '[UNK]', '[BOS]', '[EOS]', 'the', 'red', 'ring']) + '\n')
    return root


@pytest.fixture
def config(folder, tmp_path):
    def make(system):
        cfg = load_config(str(CONFIGS / system / 'tiny.py'))
        for split in ('train', 'val', 'test'):
            loader = cfg[f'{split}_dataloader']
            pipeline = loader.dataset.pipeline
            for step in pipeline:
                if 'tokenizer' in step:
                    step.tokenizer.vocab_file = str(folder / 'vocab.txt')
            loader.dataset = dict(
                type=JSONLDataset,
                ann_file='all.jsonl',
                split=split,
                data_root=str(folder),
                pipeline=pipeline,
                test_mode=split != 'train',
            )
        cfg.work_dir = str(tmp_path)
        cfg.experiment_name = tmp_path.name
        return cfg

    return make


def test_instancevg_learns_from_boxes_is_scored_on_them_and_again_from_its_answers(config, tmp_path, folder):
    from mmvg.apis.rescore import score_predictions

    cfg = config('instancevg')
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.default_hooks.checkpoint.interval = 2
    train(cfg)
    scores = evaluate(cfg, str(tmp_path / 'iter_2.pth'), out=str(tmp_path / 'answers.json'))
    assert scores['grec/num_samples'] == 8
    assert scores['gres/num_boxes_only'] == 8
    assert 'gres/gIoU' not in scores
    log = next(tmp_path.rglob('*.log')).read_text()
    assert 'GRESMetric: does not apply' in log
    assert 'split with boxes only: losses and metrics of masks leave it out' in log
    assert score_predictions(cfg, tmp_path / 'answers.json') == scores


def test_simvg_has_nothing_but_boxes_to_learn_and_to_answer(config, tmp_path):
    from mmvg.apis.rescore import score_predictions

    cfg = config('simvg')
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.default_hooks.checkpoint.interval = 2
    train(cfg)
    scores = evaluate(cfg, str(tmp_path / 'iter_2.pth'), out=str(tmp_path / 'answers.json'))
    assert scores['grec/num_samples'] == 8
    assert {name.split('/')[0] for name in scores} == {'grec'}
    assert score_predictions(cfg, tmp_path / 'answers.json') == scores
    (answer, *_) = json.loads((tmp_path / 'answers.json').read_text())['predictions']
    assert 'boxes' in answer
    assert 'mask' not in answer


def test_a_best_score_that_needs_masks_is_refused_before_the_training(config):
    cfg = config('instancevg')
    cfg.default_hooks.checkpoint.update(save_best='gres/gIoU', rule='greater')
    with pytest.raises(ValueError, match=r"save_best='gres/gIoU' needs masks.*grec/F1"):
        train(cfg)


def test_a_model_of_masks_says_that_it_cannot_learn_from_boxes(config):
    with pytest.raises(ValueError, match=r'learns from masks, but \d of the \d expressions .* have boxes only'):
        train(config('lavt'))
