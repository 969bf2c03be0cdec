import json
import math
import pickle
import shutil
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from mmvg.datasets import DataError, GraspAnythingDataset

A, B = 'a' * 64, 'b' * 64
ROWS = [[0.0137, 173.0, 84.2, 139.2, 27.7, 32.5], [0.0113, 239.9, 368.4, 118.4, 29.6, 155.9]]
LIST = 'split/grasp-anything++/train/seen.obj'


class Folder:
    """A root of Grasp-Anything++ with three parts of two objects in two scenes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in (A, B):
            self.write('image', f'{name}.jpg', cv2.imencode('.jpg', np.full((416, 416, 3), 90, np.uint8))[1].tobytes())
        for number, name in enumerate((f'{A}_0_0', f'{A}_0_12', f'{B}_10_1')):
            self.instruction(name, f'Lift apple by its part {number}.')
            self.label(name, torch.tensor(ROWS))
            mask = np.zeros((416, 416), np.uint8)
            mask[40:100, 60:200] = 1
            self.mask(name, mask)
        self.split(LIST, [f'{A}_0', f'{B}_10'])
        self.split('split/grasp-anything++/test/seen.obj', [f'{A}_0'])
        self.split('split/grasp-anything++/test/unseen.obj', [f'{B}_10'])

    def write(self, folder, name, content: bytes):
        path = self.root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def instruction(self, name, content):
        self.write('grasp_instructions', f'{name}.pkl', pickle.dumps(content))

    def label(self, name, content):
        path = self.root / 'grasp_label_positive' / f'{name}.pt'
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(content, path)

    def mask(self, name, content):
        path = self.root / 'part_mask' / f'{name}.npy'
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, content)

    def split(self, name, ids):
        self.write('', name, pickle.dumps(ids))

    def load(self, split='train', **options):
        return GraspAnythingDataset(split, data_root=str(self.root), **options)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / 'grasp-anything')


def ids(dataset):
    return [dataset.get_data_info(index)['part_id'] for index in range(len(dataset))]


def test_a_part_becomes_an_item_with_instruction_mask_and_grasps(folder):
    item = folder.load().get_data_info(0)
    assert item['img_path'] == str(folder.root / 'image' / f'{A}.jpg')
    assert item['sentences'] == [dict(sent_id=0, text='Lift apple by its part 0.')]
    assert (item['height'], item['width'], item['no_target'], item['novelty']) == (416, 416, False, 'seen')
    (instance,) = item['instances']
    assert instance['bbox'] == [60, 40, 200, 100]
    assert coco_mask.area(instance['mask']) == 60 * 140
    # degrees of the file are clockwise on screen
    expected = [[173, 84.2, 139.2, 27.7, math.radians(-32.5)], [239.9, 368.4, 118.4, 29.6, math.radians(180 - 155.9)]]
    assert item['grasps'] == pytest.approx(np.array(expected), rel=1e-6)
    assert item['grasps'].dtype == np.float32


def test_an_object_stands_for_its_parts_and_numbers_may_have_two_digits(folder):
    dataset = folder.load()
    assert ids(dataset) == [f'{A}_0_0', f'{A}_0_12', f'{B}_10_1']
    assert [dataset.get_data_info(index)['img_id'] for index in range(3)] == [0, 0, 1]


def test_a_list_may_name_parts(folder):
    folder.split(LIST, [f'{A}_0_12', f'{B}_10', f'{A}_0_12'])
    assert ids(folder.load()) == [f'{A}_0_12', f'{B}_10_1']


@pytest.mark.parametrize('name', ['ids.json', 'ids.txt', 'ids.pkl'])
def test_a_list_may_be_json_text_or_a_pickle(folder, name):
    listed = [f'{A}_0_0', f'{B}_10']
    content = {'.json': json.dumps(listed).encode(), '.txt': '\n'.join(listed).encode() + b'\n\n'}
    folder.write('', name, content.get(Path(name).suffix, pickle.dumps(listed)))
    assert ids(folder.load(split_files={'seen': name})) == [f'{A}_0_0', f'{B}_10_1']


def test_the_test_split_says_what_was_seen(folder):
    dataset = folder.load('test', test_mode=True)
    assert [dataset.get_data_info(index)['novelty'] for index in range(3)] == ['seen', 'seen', 'unseen']


def test_doubled_folders_are_found(folder):
    for name in ('grasp_instructions', 'part_mask', 'image', 'grasp_label_positive'):
        inner = folder.root / name / name
        shutil.move(folder.root / name, folder.root / 'moved')
        inner.parent.mkdir()
        shutil.move(folder.root / 'moved', inner)
    dataset = folder.load()
    assert len(dataset) == 3
    assert Path(dataset.get_data_info(0)['img_path']).is_file()


@pytest.mark.parametrize(
    ('name', 'left'),
    [
        (f'grasp_label_positive/{A}_0_12.pt', 2),
        (f'part_mask/{A}_0_12.npy', 2),
        (f'image/{A}.jpg', 1),
        (f'grasp_instructions/{A}_0_12.pkl', 2),
    ],
)
def test_a_part_of_which_a_file_is_missing_is_left_out_and_counted(folder, name, left):
    folder.split(LIST, [f'{A}_0_0', f'{A}_0_12', f'{B}_10'])
    (folder.root / name).unlink()
    dataset = folder.load(mode='tolerant')
    assert len(dataset) == left
    assert dataset.load_report.counts() == {'part of which a file is missing': 3 - left}
    with pytest.raises(DataError, match=Path(name).name):
        folder.load(mode='strict')


def test_an_object_without_instructions_is_counted(folder):
    folder.split(LIST, [f'{A}_0', f'{A}_7'])
    dataset = folder.load(mode='tolerant')
    assert dataset.load_report.counts() == {'object without an instruction': 1}


def test_nothing_left_is_an_error(folder):
    folder.split(LIST, [f'{A}_7'])
    with pytest.raises(DataError, match='no usable sample'):
        folder.load(mode='tolerant')


def test_a_missing_list_is_named(folder):
    (folder.root / LIST).unlink()
    with pytest.raises(FileNotFoundError, match=r'train/seen\.obj'):
        folder.load()


@pytest.mark.parametrize('bad', ['abc', f'{A}_x', f'{A}_0_', f'{A}_0_1_2'])
def test_an_id_of_another_form_is_an_error(folder, bad):
    folder.split(LIST, [f'{A}_0', bad])
    with pytest.raises(DataError, match='id that is not'):
        folder.load(mode='tolerant')


def test_a_list_of_something_else_is_an_error(folder):
    folder.split(LIST, [f'{A}_0', 5])
    with pytest.raises(DataError, match='entry 1 is a int'):
        folder.load(mode='tolerant')


@pytest.mark.parametrize('rows', [torch.zeros(0, 6), torch.zeros(0), torch.zeros(3, 5), torch.zeros(2, 3, 6)])
def test_a_label_that_is_not_n_by_6_is_an_empty_list(folder, rows):
    folder.label(f'{A}_0_0', rows)
    grasps = folder.load().get_data_info(0)['grasps']
    assert grasps.shape == (0, 5)
    assert grasps.dtype == np.float32


def test_rows_that_are_no_grasps_are_left_out(folder):
    rows = [[0.01, math.nan, 1, 20, 10, 5], [0.01, 1, 1, 0, 10, 5], [0.01, 50, 60, 20, 10, 90]]
    folder.label(f'{A}_0_0', torch.tensor(rows))
    assert folder.load().get_data_info(0)['grasps'] == pytest.approx(np.array([[50, 60, 20, 10, math.pi / 2]]))


def test_a_mask_of_another_size_and_other_values_is_scaled_and_cut_at_0(folder):
    mask = np.zeros((208, 208), np.int32)
    mask[20:50, 30:100] = 255
    folder.mask(f'{A}_0_0', mask)
    decoded = coco_mask.decode(folder.load().get_data_info(0)['instances'][0]['mask'])
    assert decoded.shape == (416, 416)
    assert decoded[40:100, 60:200].all()
    assert decoded.sum() == 60 * 140


def test_an_instruction_in_a_list_is_taken_out_of_it(folder):
    folder.instruction(f'{A}_0_0', ['Lift it.'])
    assert folder.load().get_data_info(0)['sentences'][0]['text'] == 'Lift it.'


@pytest.mark.parametrize('content', [5, [], {'text': 'Lift'}, [3]])
def test_an_instruction_that_is_no_text_is_an_error(folder, content):
    folder.instruction(f'{A}_0_0', content)
    with pytest.raises(DataError, match=f'{A}_0_0.pkl.*expected an instruction'):
        folder.load().get_data_info(0)


class Hostile:
    def __reduce__(self):
        return (print, ('executed',))


def test_no_file_is_allowed_to_name_code(folder, capsys):
    folder.instruction(f'{A}_0_0', Hostile())
    folder.label(f'{A}_0_12', Hostile())
    np.save(folder.root / 'part_mask' / f'{B}_10_1.npy', np.array([Hostile()], dtype=object))
    dataset = folder.load()
    for index, name in enumerate((f'{A}_0_0.pkl', f'{A}_0_12.pt', f'{B}_10_1.npy')):
        with pytest.raises(DataError, match=name):
            dataset.get_data_info(index)
    folder.split(LIST, Hostile())
    with pytest.raises(DataError, match=r'seen.obj.*refused'):
        folder.load()
    assert 'executed' not in capsys.readouterr().out


@pytest.mark.parametrize('content', [OrderedDict(a=torch.zeros(1, 6)), [1, 2]])
def test_a_label_that_is_no_tensor_is_an_error(folder, content):
    folder.label(f'{A}_0_0', content)
    with pytest.raises(DataError, match=f'{A}_0_0.pt.*expected a tensor'):
        folder.load().get_data_info(0)


@pytest.mark.parametrize('name', [f'grasp_label_positive/{A}_0_0.pt', f'part_mask/{A}_0_0.npy'])
def test_a_file_that_is_cut_off_is_an_error(folder, name):
    path = folder.root / name
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=Path(name).name):
        folder.load().get_data_info(0)


def test_a_mask_without_a_pixel_is_an_error_and_skipped_by_a_tolerant_training(folder):
    folder.mask(f'{A}_0_0', np.zeros((416, 416), np.uint8))
    with pytest.raises(DataError, match=rf"{A}_0_0\.npy: mask without a pixel.*part {A}_0_0\..*mode='tolerant'"):
        folder.load()[0]
    training = folder.load(mode='tolerant')
    assert training.prepare_data(0) is None
    assert training.num_skipped == 1
    assert training[0]['part_id'] != f'{A}_0_0'
    evaluation = folder.load('test', mode='tolerant', test_mode=True)
    assert evaluation.get_data_info(0)['instances'][0]['bbox'] == [0, 0, 0, 0]


def test_a_damaged_file_is_an_error_in_a_tolerant_training_too(folder):
    folder.instruction(f'{A}_0_0', 5)
    with pytest.raises(DataError, match='expected an instruction'):
        folder.load(mode='tolerant').prepare_data(0)
