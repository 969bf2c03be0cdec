import pickle
import re

import cv2
import numpy as np
import pytest
import torch

from mmvg.datasets.readers.safe_reading import read_pickle
from mmvg.refshapes.attributes import HELD_OUT
from mmvg.refshapes.writers.grasp_anything import write_part

LISTS = ('train/seen', 'test/seen', 'test/unseen')


@pytest.fixture(scope='module')
def folder(tiny):
    return tiny / 'grasp_anything'


@pytest.fixture(scope='module')
def lists(folder):
    return {name: read_pickle(folder / f'split/grasp-anything++/{name}.obj', list) for name in LISTS}


@pytest.fixture(scope='module')
def parts(folder):
    return sorted(path.stem for path in (folder / 'grasp_instructions').iterdir())


def test_ids_are_hashes_with_object_and_part(lists, parts):
    for name in parts:
        assert re.fullmatch(r'[0-9a-f]{64}_\d+_[01]', name)
    objects = [name for listed in lists.values() for name in listed]
    assert all(lists.values())
    assert len(set(objects)) == len(objects)
    assert {name.rsplit('_', 1)[0] for name in parts} == set(objects)


def test_every_part_has_all_of_its_files(folder, parts):
    for name in parts:
        scene = name.split('_')[0]
        image = cv2.imread(str(folder / 'image' / f'{scene}.jpg'))
        mask = np.load(folder / 'part_mask' / f'{name}.npy', allow_pickle=False)
        rows = torch.load(folder / 'grasp_label_positive' / f'{name}.pt', weights_only=True)
        assert image.shape == (416, 416, 3)
        assert (mask.shape, mask.dtype, set(np.unique(mask))) == ((416, 416), np.uint8, {0, 1})
        assert (rows.shape[1], rows.dtype) == (6, torch.float32)
        assert len(rows) > 0
        assert (rows[:, 0] > 0).all()
        assert (rows[:, 5] >= 0).all()
        assert (rows[:, 5] < 180).all()
        assert isinstance(pickle.loads((folder / 'grasp_instructions' / f'{name}.pkl').read_bytes()), str)
        caption, names = pickle.loads((folder / 'scene_description' / f'{scene}.pkl').read_bytes())
        assert isinstance(caption, str)
        assert len(names) > int(name.split('_')[1])


def test_grasps_are_centred_on_the_part(folder, parts):
    for name in parts:
        mask = np.load(folder / 'part_mask' / f'{name}.npy')
        rows = torch.load(folder / 'grasp_label_positive' / f'{name}.pt', weights_only=True).numpy()
        columns, lines = rows[:, 1:3].astype(int).T
        near = cv2.dilate(mask, np.ones((7, 7), np.uint8))  # a pixel of the scene is up to four of these
        assert near[lines, columns].all()


@pytest.mark.parametrize('shape', [(120, 160), (90, 70), (480, 640)])
def test_mask_and_grasp_stay_on_one_another_in_the_square(shape, tmp_path):
    for name in ('grasp_instructions', 'grasp_label_positive', 'part_mask'):
        (tmp_path / name).mkdir()
    mask = np.zeros(shape, bool)
    mask[21:58, 30:61] = True
    write_part(tmp_path, 'part', 'the mug', mask, np.array([[45.0, 39.0, 40.0, 8.0, 0.3]]))  # the middle pixel
    square = np.load(tmp_path / 'part_mask/part.npy')
    _, x, y, opening, _, angle = torch.load(tmp_path / 'grasp_label_positive/part.pt', weights_only=True)[0].tolist()
    lines, columns = np.nonzero(square)
    assert x == pytest.approx(columns.mean(), abs=0.51)  # whole pixels
    assert y == pytest.approx(lines.mean(), abs=0.51)
    assert opening == pytest.approx(40 * 416 / max(shape), rel=1e-4)
    assert angle == pytest.approx(180 - np.rad2deg(0.3), abs=1e-3)


def test_a_handle_is_a_part_of_its_object(folder, parts):
    handles = [name for name in parts if name.endswith('_1')]
    assert handles
    for name in handles:
        mask, whole = (np.load(folder / 'part_mask' / f'{stem}.npy') for stem in (name, name[:-1] + '0'))
        assert 0 < mask.sum() < whole.sum()
        assert (mask <= whole).all()
        assert 'handle' in pickle.loads((folder / 'grasp_instructions' / f'{name}.pkl').read_bytes())


def test_unseen_objects_are_combinations_that_train_does_not_show(folder, lists):
    for listed, unseen in zip(lists.values(), (False, False, True), strict=True):
        for name in listed:
            scene, number = name.split('_')
            _, names = pickle.loads((folder / 'scene_description' / f'{scene}.pkl').read_bytes())
            assert (tuple(names[int(number)].split()) in HELD_OUT) == unseen


def test_splits_share_no_scene(lists):
    scenes = [{name.split('_')[0] for name in listed} for listed in lists.values()]
    assert not scenes[0] & (scenes[1] | scenes[2])
