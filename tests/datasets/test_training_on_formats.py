"""A small model learns from, and is scored on, RefShapes in every format."""

from pathlib import Path

import pytest
from mmengine.runner import Runner

from mmvg.config import read_config

CONFIGS = Path(__file__).parents[2] / 'configs'
SCORES = {
    'refzom': 'refzom/oIoU',
    'rrefcoco': 'rref/mRR',
    'phrasecut': 'phrasecut/mIoU',
    'refcoco_mixed': 'rec/P@0.5',
    'grefcoco_instancevg_json': 'gres/gIoU',
}


@pytest.mark.slow
@pytest.mark.parametrize('name', SCORES)
def test_a_model_trains_and_is_scored(name, refshapes_tiny, tmp_path):
    cfg = read_config(CONFIGS / 'instancevg/tiny.py')
    data = read_config(CONFIGS / f'_base_/datasets/refshapes_{name}.py')
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = data[key]
        loader.update(batch_size=4, num_workers=0, persistent_workers=False)
        loader.dataset.update(data_root=str(refshapes_tiny), indices=10)
        for step in loader.dataset.pipeline:
            if 'size' in step:
                step.size = 64
            elif 'scale' in step:
                step.scale = (64, 64)
            elif 'tokenizer' in step:
                step.tokenizer.vocab_file = str(refshapes_tiny / 'vocab.txt')
                step.max_length = 16
        cfg[key] = loader
    cfg.val_evaluator = cfg.test_evaluator = data.test_evaluator
    cfg.train_cfg.update(max_iters=2, val_interval=2)
    cfg.work_dir = str(tmp_path)
    cfg.model.pop('aux_heads', None)
    cfg.visualizer = None
    cfg.default_hooks.pop('visualization', None)
    cfg.experiment_name = f'formats_{name}'
    runner = Runner.from_cfg(cfg)
    runner.train()
    scores = runner.test()
    assert SCORES[name] in scores
    assert scores[SCORES[name].split('/')[0] + '/num_samples'] == 10
