"""The data check on OCID-VLG and Grasp-Anything++: sound data, and one corruption of each kind."""

import json
import math
import pickle
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmvg.config import read_config
from mmvg.data_check import check_config_data, check_folder, compare_with_released

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.fixture(scope='module')
def sound(refshapes_tiny):
    return refshapes_tiny


class Expressions:
    """OCID-VLG with one version, whose train file a corruption may change."""

    def __init__(self, sound, root):
        self.root = root
        shutil.copytree(sound / 'ocid_vlg', root)
        for version in ('unique', 'novel-instances', 'novel-classes'):
            shutil.rmtree(root / 'refer' / version)
        self.file = root / 'refer/multiple/train_expressions.json'
        self.content = json.loads(self.file.read_text())
        self.records = self.content['data']

    def path(self, kind, record=0):
        sequence, name = self.records[record]['image_filename'].split(',')
        return self.root / sequence / kind / name

    def check(self):
        self.file.write_text(json.dumps(self.content))
        return check_folder(self.root).report.errors


@pytest.fixture
def expressions(sound, tmp_path):
    return Expressions(sound, tmp_path / 'OCID-VLG')


def test_sound_data_give_counts_and_no_errors(sound):
    result = check_folder(sound)
    assert result.report.errors == []
    rows = {row[:3]: row for row in result.counts}
    records = json.loads((sound / 'ocid_vlg/refer/unique/test_expressions.json').read_text())['data']
    assert rows['ocid_vlg', 'unique/test_expressions.json', 'test'][4] == len(records)
    names = pickle.loads((sound / 'grasp_anything/split/grasp-anything++/test/unseen.obj').read_bytes())
    parts = [path for name in names for path in (sound / 'grasp_anything/part_mask').glob(f'{name}_*')]
    assert rows['grasp_anything', 'test/unseen.obj', 'unseen'][4] == len(parts)


def test_one_data_set_alone_is_found(sound):
    assert {row[0] for row in check_folder(sound / 'ocid_vlg').counts} == {'ocid_vlg'}
    assert {row[0] for row in check_folder(sound / 'grasp_anything').counts} == {'grasp_anything'}


def nan_corner(data):
    data.records[0]['grasps'][0][2][1] = math.nan


def no_corner(data):
    data.records[0]['grasps'][0].pop()


def no_width(data):
    data.records[0]['grasps'][0] = [[5, 5], [5, 9], [5, 9], [5, 5]]


def no_grasps(data):
    data.records[0]['grasps'] = []


def wrong_answer(data):
    data.records[0]['answer'] = 99


def answer_of_text(data):
    data.records[0]['answer'] = 'mug'


def no_comma(data):
    data.records[0]['image_filename'] = 'picture.png'


def no_question(data):
    del data.records[0]['question']


def no_words(data):
    data.records[0]['question'] = ' ! '


def three_numbers(data):
    data.records[0]['box'] = [1, 2, 3]


def repeated_index(data):
    data.records[1].update(
        question_index=data.records[0]['question_index'], image_filename=data.records[0]['image_filename']
    )


def not_a_dict(data):
    data.records[0] = 'record'


def no_instances(data):
    data.path('seg_mask_instances_combi').unlink()


def damaged_instances(data):
    data.path('seg_mask_instances_combi').write_bytes(b'PNG')


def colourful_instances(data):
    pixels = np.random.default_rng(0).integers(0, 9, (120, 160, 3), dtype=np.uint8)
    cv2.imwrite(str(data.path('seg_mask_instances_combi')), pixels)


def no_picture(data):
    data.path('rgb').unlink()


def damaged_picture(data):
    data.path('rgb').write_bytes(data.path('rgb').read_bytes()[:200])


def smaller_picture(data):
    picture = cv2.imread(str(data.path('rgb')))
    data.path('rgb').unlink()  # a hard link
    cv2.imwrite(str(data.path('rgb')), picture[:-4])


def shared_picture(data):
    file = data.root / 'refer/multiple/test_expressions.json'
    test = json.loads(file.read_text())
    test['data'].append(dict(data.records[0], question_index=100000))
    file.write_text(json.dumps(test))


def no_list(data):
    data.content['data'] = {}


BROKEN = {
    nan_corner: 'grasp that is no rectangle',
    no_corner: 'grasp that is no rectangle',
    no_width: 'grasp that is no rectangle',
    no_grasps: 'expression without a grasp',
    wrong_answer: 'answer that is not in the instance image',
    answer_of_text: 'id that is not a number',
    no_comma: 'image_filename that is not',
    no_question: 'record without question',
    no_words: 'expression without a word',
    three_numbers: 'box that is not four numbers',
    repeated_index: 'duplicate question_index',
    not_a_dict: 'record that is not a dict',
    no_instances: 'missing instance image',
    damaged_instances: 'instance image that cannot be decoded',
    colourful_instances: 'instance image whose channels differ',
    no_picture: 'missing image file',
    damaged_picture: 'image that cannot be decoded',
    smaller_picture: 'image of another size',
    shared_picture: 'image shared by splits',
    no_list: 'no list "data"',
}


@pytest.mark.parametrize('corrupt', BROKEN)
def test_each_corruption_of_ocid_vlg_is_found(expressions, corrupt):
    corrupt(expressions)
    errors = expressions.check()
    assert any(error.problem.startswith(BROKEN[corrupt]) for error in errors), errors
    assert all(error.cure for error in errors)


def test_corruptions_are_found_with_their_record(expressions):
    expressions.records[3]['grasps'][0][0] = [math.nan, 1]
    expressions.records[5]['box'] = None
    found = {(error.problem, error.record.split(' (')[0]) for error in expressions.check()}
    assert found == {('grasp that is no rectangle', 'record 3'), ('box that is not four numbers', 'record 5')}


def test_a_grasp_outside_and_a_box_elsewhere_are_only_remarked_upon(expressions):
    expressions.records[0]['grasps'][0] = [[x - 900, y] for x, y in expressions.records[0]['grasps'][0]]
    expressions.records[0]['box'] = [1, 1, 3, 3]
    assert expressions.check() == []
    notes = {finding.problem for finding in check_folder(expressions.root).report.findings}
    assert notes == {'grasp outside of the image', 'box that is not around the mask'}


@pytest.fixture
def parts(sound, tmp_path):
    root = tmp_path / 'grasp-anything'
    shutil.copytree(sound / 'grasp_anything', root)
    return root


def first(root, folder):
    listed = pickle.loads((root / 'split/grasp-anything++/train/seen.obj').read_bytes())
    return next((root / folder).glob(f'{listed[0]}_0.*' if folder != 'image' else f'{listed[0].split("_")[0]}.jpg'))


DAMAGE = {
    ('part_mask', None): 'part of which a file is missing',
    ('grasp_label_positive', None): 'part of which a file is missing',
    ('image', None): 'missing image file',
    ('image', b'text'): 'image that cannot be decoded',
    ('part_mask', b'text'): 'unreadable file',
    ('grasp_label_positive', b'text'): 'unreadable file',
    ('grasp_instructions', b'text'): 'unreadable file',
    ('grasp_instructions', pickle.dumps(5)): 'unreadable file',
    ('grasp_instructions', pickle.dumps(' ')): 'expression without a word',
}


@pytest.mark.parametrize('place', DAMAGE, ids=str)
def test_damaged_files_of_a_part_are_found(parts, place):
    folder, content = place
    path = first(parts, folder)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    (error,) = check_folder(parts).report.errors
    assert error.problem.startswith(DAMAGE[place])
    assert path.name in f'{error.file} {error.record}'


def test_rows_masks_and_lists_are_checked(parts):
    torch.save(torch.tensor([[0.1, math.nan, 1, 2, 3, 4]]), first(parts, 'grasp_label_positive'))
    np.save(first(parts, 'part_mask'), np.zeros((416, 416), np.uint8))
    file = parts / 'split/grasp-anything++/test/unseen.obj'
    file.write_bytes(pickle.dumps([*pickle.loads(file.read_bytes()), 'nonsense', f'{"0" * 64}_3']))
    assert {error.problem for error in check_folder(parts).report.errors} == {
        'label row that is no grasp',
        'expression without a grasp',
        'mask without a pixel in the image',
        'id that is not <scene>_<object> or <scene>_<object>_<part>',
        'object without an instruction',
    }


def test_scenes_of_train_in_unseen_are_remarked_upon_and_in_seen_are_errors(parts):
    train = pickle.loads((parts / 'split/grasp-anything++/train/seen.obj').read_bytes())
    for name, level in (('unseen', 'note'), ('seen', 'error')):
        file = parts / f'split/grasp-anything++/test/{name}.obj'
        listed = pickle.loads(file.read_bytes())
        file.write_bytes(pickle.dumps([*listed, train[0]]))
        (finding,) = check_folder(parts).report.findings
        assert (finding.problem, finding.level) == ('image shared by splits', level)
        file.write_bytes(pickle.dumps(listed))


def test_a_picture_of_train_that_was_copied_over_one_of_another_split_is_found(expressions, parts):
    pictures = [next((expressions.root / f'RS20/{split}').rglob('rgb/*')) for split in ('train', 'val')]
    pictures += [next((parts / 'image').glob(f'{scene_of(parts, split)}.*')) for split in ('train', 'test')]
    for first, second in (pictures[:2], pictures[2:]):
        second.unlink()
        shutil.copy(first, second)
    for root in (expressions.root, parts):
        (error,) = [error for error in check_folder(root).report.errors if 'size' not in error.problem]
        assert error.problem == 'one picture in two splits under two names'


def scene_of(parts, split):
    return pickle.loads((parts / f'split/grasp-anything++/{split}/seen.obj').read_bytes())[0].split('_')[0]


@pytest.mark.parametrize(('name', 'folder'), [('ocid_vlg', 'ocid_vlg'), ('grasp_anything', 'grasp_anything')])
def test_a_config_is_checked_through_its_datasets(sound, name, folder):
    config = read_config(CONFIGS / f'_base_/datasets/{name}.py')
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        config[loader].dataset.data_root = str(sound / folder)
    result = check_config_data(config)
    assert result.report.errors == []
    files = {row[1].split('/')[0] for row in result.counts}
    assert files == ({'multiple'} if name == 'ocid_vlg' else {'train', 'test'})


def test_counts_are_compared_with_the_reported_ones(sound):
    result = check_folder(sound / 'ocid_vlg', decode=False)
    compare_with_released(result.counts, result.report)
    problems = [error.problem for error in result.report.errors]
    assert len(problems) == 12
    assert any(problem.endswith('refs instead of 63221') for problem in problems)
