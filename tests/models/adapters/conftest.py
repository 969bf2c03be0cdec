import numpy as np
import pytest
import torch
from foreign_folders import folder
from PIL import Image

from mmvg.config import read_config
from mmvg.refshapes import draw_scene, sample_scene
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample

SCENES = [draw_scene(sample_scene(np.random.default_rng(seed))).image[..., ::-1].copy() for seed in range(2)]


@pytest.fixture(scope='session')
def folder_of(shared_folder):
    """Function: the folder of the tiny model of a family, in the format of transformers."""
    return lambda family: folder(family, shared_folder / 'foreign')


@pytest.fixture(scope='session')
def built(folder_of):
    """Function: the model of ``configs/hf/<family>_refcoco.py`` with tiny weights; each is built once."""
    made = {}

    def build(family, **settings):
        key = (family, *sorted(settings.items()))
        if key not in made:
            settings = dict(model_folder=str(folder_of(family)), **settings)
            made[key] = MODELS.build(read_config(f'hf/{family}_refcoco', settings).model).eval()
        return made[key]

    return build


@pytest.fixture
def pictures():
    """Two scenes of one size and one that is upright, (H, W, 3) uint8 RGB."""
    return [*SCENES, np.ascontiguousarray(SCENES[0][:, :150])]


def ask(model, pictures, texts):
    """Answered samples of pairs of a picture (H, W, 3) uint8 RGB and a sentence, as one batch."""
    samples = []
    for number, (picture, text) in enumerate(zip(pictures, texts, strict=True)):
        size = picture.shape[:2]
        samples.append(GroundingSample(metainfo=dict(ori_shape=size, img_shape=size, img_id=number)))
        samples[-1].text = text
    images = [torch.from_numpy(picture[..., ::-1].copy()).permute(2, 0, 1) for picture in pictures]
    return model.test_step(dict(inputs=images, data_samples=samples))


def as_pil(picture):
    return Image.fromarray(picture)
