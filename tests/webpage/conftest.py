"""Small models with random weights, whose answers depend on image and text, and a page that asks them."""

import shutil

import cv2
import numpy as np
import pytest
import torch

from mmvg.refshapes import draw_scene, sample_scene
from mmvg.webpage import find_choices


@pytest.fixture(scope='session')
def work_dirs(tmp_path_factory, random_checkpoint):
    """Two checkpoints of InstanceVG and one of LGGD that carry their config, and one that does not."""
    folder = tmp_path_factory.mktemp('page')
    made = [random_checkpoint('instancevg', seed, score_thr=0.05) for seed in (0, 1)]
    for number, checkpoint in enumerate([*made, random_checkpoint('lggd', 2, mask_thr=0.35)]):
        path = folder / f'work_dirs/run{number}/last.pth'
        path.parent.mkdir(parents=True)
        shutil.copy(checkpoint, path)
    torch.save(dict(state_dict={'a': torch.zeros(1)}), folder / 'work_dirs/bare.pth')
    return folder / 'work_dirs'


@pytest.fixture(scope='session')
def picture(work_dirs):
    path = work_dirs.parent / 'scene.png'
    cv2.imwrite(str(path), draw_scene(sample_scene(np.random.default_rng(3))).image)
    return path


@pytest.fixture(scope='session')
def session(work_dirs):
    from mmvg.webpage.session import Session

    trained = [choice for choice in find_choices(work_dirs) if choice.model.startswith(str(work_dirs))]
    choices = sorted(trained, key=lambda choice: ('bare' in choice.label, choice.label))
    return Session(choices, device='cpu')


@pytest.fixture(scope='session')
def page_url(session):
    """Address of a page that is being served."""
    pytest.importorskip('gradio', reason='the page needs Gradio: pip install -r requirements/web.txt')
    from mmvg.webpage.page import build_page, launch_page

    page = build_page(session)
    yield launch_page(page, block=False)
    page.close(verbose=False)
