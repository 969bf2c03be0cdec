"""Small models with random weights, whose answers depend on image and text, and a page that asks them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmvg.apis import load_config
from mmvg.refshapes import draw_scene, generate, sample_scene
from mmvg.registry import MODELS
from mmvg.webpage import find_choices

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='session')
def work_dirs(tmp_path_factory):
    """Two checkpoints of InstanceVG and one of LGGD that carry their config, and one that does not."""
    folder = tmp_path_factory.mktemp('page')
    generate(folder / 'refshapes', size='tiny', formats=['grefcoco'], workers=1)
    for seed, system in enumerate(('instancevg', 'instancevg', 'lggd')):
        cfg = load_config(str(ROOT / f'configs/{system}/tiny.py'))
        if system == 'instancevg':
            cfg.model.head.postprocess.score_thr = 0.05
        for step in cfg.test_dataloader.dataset.pipeline:
            if 'tokenizer' in step:
                step.tokenizer.vocab_file = str(folder / 'refshapes/vocab.txt')
        torch.manual_seed(seed)
        model = MODELS.build(cfg.model)
        model.init_weights()
        for name, weight in model.named_parameters():
            if 'norm' not in name:
                torch.nn.init.normal_(weight, std=0.3)
        path = folder / f'work_dirs/run{seed}/last.pth'
        path.parent.mkdir(parents=True)
        torch.save(dict(meta=dict(cfg=cfg.pretty_text), state_dict=model.state_dict()), path)
    torch.save(dict(state_dict={'a': torch.zeros(1)}), folder / 'work_dirs/bare.pth')
    return folder / 'work_dirs'


@pytest.fixture(scope='session')
def picture(work_dirs):
    path = work_dirs.parent / 'scene.png'
    cv2.imwrite(str(path), draw_scene(sample_scene(np.random.default_rng(3))).image)
    return path


@pytest.fixture(scope='session')
def desk(work_dirs):
    from mmvg.webpage.desk import Desk

    choices = sorted(find_choices(work_dirs), key=lambda choice: ('bare' in choice.label, choice.label))
    return Desk(choices, device='cpu')


@pytest.fixture(scope='session')
def page_url(desk):
    """Address of a page that is being served."""
    pytest.importorskip('gradio', reason='the page needs Gradio: pip install -r requirements/web.txt')
    from mmvg.webpage.page import build_page, launch_page

    page = build_page(desk)
    yield launch_page(page, block=False)
    page.close(verbose=False)
