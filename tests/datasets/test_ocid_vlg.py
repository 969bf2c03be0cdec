import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from mmvg.datasets import DataError, OCIDVLGDataset
from mmvg.datasets.ocid_vlg import expression_type

SEQUENCE, NAME = 'ARID20/table/top/seq05', 'result_2018-08-24.png'
RECTANGLE = [[10, 10], [10, 30], [50, 30], [50, 10]]  # [30, 20, 40, 20, 0]


def record(number=0, **changes):
    made = dict(
        image_filename=f'{SEQUENCE},{NAME}',
        question_index=number,
        question='The blue mug on the left',
        answer=2,
        target='coffee_mug_3',
        box=[20, 10, 30, 20],
        grasps=[RECTANGLE],
        program=[{'type': 'scene'}, {'type': 'filter_category'}, {'type': 'unique'}],
        template_filename='ignored',
    )
    return made | changes


class Folder:
    """A root of OCID-VLG with one image, 80 x 60, in which objects 1 and 2 are rectangles."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.instances = np.zeros((60, 80), np.uint8)
        self.instances[5:15, 60:75] = 1
        self.instances[10:30, 20:50] = 2
        self.image = np.full((60, 80, 3), 90, np.uint8)

    def write(self, records, split='train', version='multiple', text=None):
        for folder, pixels in (('rgb', self.image), ('seg_mask_instances_combi', self.instances)):
            path = self.root / SEQUENCE / folder / NAME
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), pixels)
        file = self.root / f'refer/{version}/{split}_expressions.json'
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text or json.dumps({'info': {}, 'data': records}))

    def load(self, split='train', **options):
        return OCIDVLGDataset('multiple', split, data_root=str(self.root), **options)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / 'OCID-VLG')


def test_a_record_becomes_an_item_with_mask_box_and_grasps(folder):
    folder.write([record(4)])
    item = folder.load().get_data_info(0)
    assert item['img_path'] == str(folder.root / SEQUENCE / 'rgb' / NAME)
    assert (item['height'], item['width'], item['dataset'], item['no_target']) == (60, 80, 'ocid_vlg', False)
    assert item['sentences'] == [dict(sent_id=0, text='The blue mug on the left')]
    assert (item['question_index'], item['target'], item['category']) == (4, 'coffee_mug_3', 'coffee_mug')
    (instance,) = item['instances']
    assert instance['bbox'] == [20, 10, 50, 30]  # the file holds x, y, w, h
    assert (coco_mask.decode(instance['mask']) == (folder.instances == 2)).all()
    assert item['grasps'].tolist() == [[30, 20, 40, 20, 0]]
    assert item['grasps'].dtype == np.float32


def test_question_indices_may_repeat_and_images_keep_their_numbers(folder):
    records = [record(7), record(7, answer=1), record(7)]
    folder.write(records)
    items = [folder.load().get_data_info(index) for index in range(3)]
    assert [item['ref_id'] for item in items] == [0, 1, 2]
    assert [item['instances'][0]['ann_id'] for item in items] == [2, 1, 2]
    assert len({item['img_id'] for item in items}) == 1


def test_a_name_is_split_at_the_first_comma_only(folder):
    name = f'{SEQUENCE},a,b.png'
    folder.write([record(image_filename=name)])
    for kind in ('rgb', 'seg_mask_instances_combi'):
        path = folder.root / SEQUENCE / kind
        (path / NAME).rename(path / 'a,b.png')
    assert folder.load().get_data_info(0)['img_path'].endswith(f'{SEQUENCE}/rgb/a,b.png')


@pytest.mark.parametrize(
    ('nodes', 'expected'),
    [
        (['scene', 'filter_category', 'unique', 'ground', 'return'], 'name'),
        (['scene', 'filter_category', 'filter_color', 'unique'], 'attr'),
        (['scene', 'filter_category', 'relate', 'unique'], 'rel'),
        (['scene', 'filter_category', 'locate', 'unique'], 'loc'),
        (['scene', 'filter_color', 'filter_color'], 'attr'),
        (['scene', 'filter_color', 'relate', 'locate'], 'mixed'),
        (['scene', 'filter_material'], 'unknown'),
        ([], 'unknown'),
    ],
)
def test_the_program_gives_the_type_of_an_expression(nodes, expected):
    assert expression_type([{'type': node} for node in nodes]) == expected


@pytest.mark.parametrize('program', [None, 'scene', [1, 2], [{'name': 'scene'}]])
def test_a_program_that_is_none_has_an_unknown_type(program):
    assert expression_type(program) == 'unknown'


@pytest.mark.parametrize(
    'bad',
    [
        [[math.nan, 1], [1, 2], [2, 2], [2, 1]],
        [[math.inf, 1], [1, 2], [2, 2], [2, 1]],
        [[5, 5], [5, 9], [5, 9], [5, 5]],  # no width
        [[5, 5], [5, 5], [9, 5], [9, 5]],  # no height
        [[1, 2], [3, 4], [5, 6]],
        [[1, 2], [3, 4], [5, 6], [7]],
        'rectangle',
        None,
        [[None, 1], [1, 2], [2, 2], [2, 1]],
    ],
)
def test_a_bad_rectangle_is_left_out_and_counted_and_the_sample_stays(folder, bad):
    folder.write([record(grasps=[RECTANGLE, bad])])
    dataset = folder.load(mode='tolerant')
    assert dataset.get_data_info(0)['grasps'].tolist() == [[30, 20, 40, 20, 0]]
    assert dataset.load_report.counts() == {'grasp that is no rectangle': 1}
    with pytest.raises(DataError, match=r'train_expressions.json.*record 0'):
        folder.load(mode='strict')


def test_one_rectangle_without_a_list_around_it_is_one_grasp(folder):
    folder.write([record(grasps=RECTANGLE)])
    assert folder.load().get_data_info(0)['grasps'].shape == (1, 5)


def test_rectangles_outside_of_the_image_are_kept(folder):
    outside = [[x - 500, y - 500] for x, y in RECTANGLE]
    folder.write([record(grasps=[outside])])
    assert folder.load().get_data_info(0)['grasps'].tolist() == [[-470, -480, 40, 20, 0]]


@pytest.mark.parametrize('grasps', [[], None, [[[math.nan] * 2] * 4]])
def test_a_sample_without_grasps_is_left_out_of_training_and_kept_for_evaluation(folder, grasps):
    records = [record(), record(grasps=grasps)]
    for split in ('train', 'test'):
        folder.write(records, split)
    train, test = folder.load(mode='tolerant'), folder.load('test', mode='tolerant', test_mode=True)
    assert (len(train), len(test)) == (1, 2)
    assert train.load_report.counts()['expression without a grasp'] == 1
    assert test.get_data_info(1)['grasps'].shape == (0, 5)
    assert test.get_data_info(1)['grasps'].dtype == np.float32


def test_an_answer_that_is_not_in_the_image_is_left_out_of_training_and_kept_for_evaluation(folder):
    records = [record(), record(answer=9)]
    for split in ('train', 'val'):
        folder.write(records, split)
    train, val = folder.load(mode='tolerant'), folder.load('val', mode='tolerant', test_mode=True)
    assert (len(train), len(val)) == (1, 2)
    assert train.load_report.counts() == {'answer that is not in the instance image': 1}
    assert coco_mask.area(val.get_data_info(1)['instances'][0]['mask']) == 0
    assert val.get_data_info(1)['instances'][0]['bbox'] == [20, 10, 50, 30]


def test_an_instance_image_with_three_equal_channels_is_read(folder):
    folder.instances = np.repeat(folder.instances[..., None], 3, axis=2)
    folder.write([record()])
    mask = coco_mask.decode(folder.load().get_data_info(0)['instances'][0]['mask'])
    assert mask.sum() == 600


@pytest.mark.parametrize('mode', ['P', 'I;16', 'LA', 'RGBA'])
def test_numbers_are_read_whatever_the_kind_of_the_png(folder, mode):
    folder.write([record(answer=2)])
    numbers = folder.instances
    if mode == 'P':
        image = Image.fromarray(numbers).convert('P')
        image.putpalette([value for colour in ((0, 0, 0), (250, 3, 9), (7, 200, 90)) for value in colour])
    elif mode == 'I;16':
        image = Image.fromarray(numbers.astype(np.uint16))
    else:
        image = Image.fromarray(numbers).convert(mode)
    image.save(folder.root / SEQUENCE / 'seg_mask_instances_combi' / NAME)
    mask = coco_mask.decode(folder.load().get_data_info(0)['instances'][0]['mask'])
    assert (mask == (numbers == 2)).all()


def test_an_instance_image_with_different_channels_is_an_error(folder):
    folder.instances = np.repeat(folder.instances[..., None], 3, axis=2)
    folder.instances[0, 0] = (1, 2, 3)
    folder.write([record()])
    with pytest.raises(DataError, match=rf'{NAME}.*channels differ.*record 0'):
        folder.load(mode='tolerant')


@pytest.mark.parametrize('damage', ['missing', 'text'])
def test_an_instance_image_that_cannot_be_read_is_an_error(folder, damage):
    folder.write([record()])
    path = folder.root / SEQUENCE / 'seg_mask_instances_combi' / NAME
    path.unlink()
    if damage == 'text':
        path.write_text('not an image')
    with pytest.raises(DataError, match=rf'{NAME}.*instance image.*record 0'):
        folder.load(mode='tolerant')


@pytest.mark.parametrize('key', ['image_filename', 'question', 'answer'])
def test_a_record_without_a_field_is_an_error_that_names_it(folder, key):
    broken = record()
    del broken[key]
    folder.write([record(), broken])
    with pytest.raises(DataError, match=rf'train_expressions.json.*{key}.*record 1'):
        folder.load(mode='tolerant')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(image_filename='no comma.png'), 'image_filename'),
        (dict(image_filename=f'{SEQUENCE},'), 'image_filename'),
        (dict(answer='mug'), 'answer'),
        (dict(question=5), 'expression'),
    ],
)
def test_a_field_that_cannot_be_read_is_an_error(folder, change, message):
    folder.write([record(), record(**change)])
    with pytest.raises(DataError, match=rf'record 1.*{message}|{message}.*record 1'):
        folder.load(mode='strict')


def test_an_empty_sentence_is_left_out_of_training_and_kept_for_evaluation(folder):
    for split in ('train', 'test'):
        folder.write([record(), record(question=' ')], split)
    assert len(folder.load(mode='tolerant')) == 1
    assert len(folder.load('test', mode='tolerant', test_mode=True)) == 2


@pytest.mark.parametrize('box', [None, [1, 2, 3], [1, 2, 3, math.nan], 'box'])
def test_without_a_usable_box_the_one_around_the_mask_is_taken(folder, box):
    folder.write([record(box=box)])
    dataset = folder.load(mode='tolerant')
    assert dataset.get_data_info(0)['instances'][0]['bbox'] == [20, 10, 50, 30]
    assert dataset.load_report.counts() == {'box that is not four numbers': 1}


def test_json_with_nan_tokens_is_read(folder):
    text = json.dumps({'data': [record(grasps=[RECTANGLE, [[math.nan, 1], [1, 2], [2, 2], [2, 1]]])]})
    assert 'NaN' in text
    folder.write([], text=text)
    assert len(folder.load(mode='tolerant').get_data_info(0)['grasps']) == 1


def test_a_file_without_data_is_an_error(folder):
    folder.write([], text='{"info": {}}')
    with pytest.raises(DataError, match='no list "data"'):
        folder.load(mode='tolerant')


def test_nothing_left_is_an_error(folder):
    folder.write([record(grasps=[])])
    with pytest.raises(DataError, match='no usable sample'):
        folder.load(mode='tolerant')


def test_a_missing_file_lists_the_versions_that_are_there(folder):
    folder.write([record()], version='unique')
    folder.write([record()], version='novel-classes')
    with pytest.raises(FileNotFoundError, match=r'multiple/train_expressions.json.*novel-classes/, unique/'):
        folder.load()


def test_unknown_versions_and_splits_are_refused_with_the_known_ones(folder):
    with pytest.raises(ValueError, match='novel-classes'):
        OCIDVLGDataset('single', 'train', data_root=str(folder.root))
    with pytest.raises(ValueError, match='val'):
        folder.load('testA')


def test_a_missing_picture_is_found_if_one_asks(folder):
    folder.write([record()])
    (folder.root / SEQUENCE / 'rgb' / NAME).unlink()
    folder.load()
    with pytest.raises(DataError, match='missing image file'):
        folder.load(check_images=True)


def test_counts_are_compared_with_the_reported_ones_if_one_asks(folder):
    folder.write([record()])
    with pytest.raises(DataError, match='1 expressions, but OCID-VLG is reported to have 63221'):
        folder.load(check_counts=True)


def test_the_table_of_classes_is_never_executed(folder):
    folder.write([record()])
    (folder.root / 'OCID_sub_class_dict.py').write_text('raise SystemExit("executed")')
    assert len(folder.load()) == 1


@pytest.mark.parametrize(
    ('box', 'read', 'kind'),
    [
        ([10, 10, 0, -5], [20, 10, 50, 30], 'box without area in the image'),
        ([900, 10, 5, 5], [20, 10, 50, 30], 'box without area in the image'),
        ([20, 10, 300, 20], [20, 10, 80, 30], 'box across the border of the image'),
    ],
)
def test_boxes_are_clipped_to_the_image_and_those_without_area_replaced(folder, box, read, kind):
    folder.write([record(box=box)])
    dataset = folder.load(mode='tolerant')
    assert dataset.get_data_info(0)['instances'][0]['bbox'] == read
    assert dataset.load_report.counts() == {kind: 1}
    if kind == 'box without area in the image':
        with pytest.raises(DataError, match=r'train_expressions.json: box without area in the image: record 0'):
            folder.load()
