import json
from collections import Counter

import cv2
import numpy as np
import pytest

from mmvg.datasets.ocid_vlg import VERSIONS, expression_type
from mmvg.refshapes.attributes import HELD_OUT
from mmvg.refshapes.writers.ocid_vlg import NOVEL_CLASSES
from mmvg.structures import corners_to_grasps

FIELDS = {'image_filename', 'question_index', 'question', 'answer', 'target', 'box', 'grasps', 'program'}
SPLITS = ('train', 'val', 'test')


@pytest.fixture(scope='module')
def folder(tiny):
    return tiny / 'ocid_vlg'


@pytest.fixture(scope='module')
def files(folder):
    return {
        (version, split): json.loads((folder / f'refer/{version}/{split}_expressions.json').read_text())
        for version in VERSIONS
        for split in SPLITS
    }


@pytest.fixture(scope='module')
def records(files):
    """All expressions, of version multiple."""
    return [record for split in SPLITS for record in files['multiple', split]['data']]


def instances(folder, record):
    sequence, name = record['image_filename'].split(',', 1)
    return cv2.imread(str(folder / sequence / 'seg_mask_instances_combi' / name), cv2.IMREAD_UNCHANGED)


def test_records_have_the_fields_of_the_real_files(files, records):
    assert all(set(content) == {'info', 'data'} for content in files.values())
    assert len({record['question_index'] for record in records}) == len(records) > 100
    for record in records:
        assert set(record) == FIELDS
        assert np.shape(record['grasps'])[1:] == (4, 2)
        assert all(isinstance(node['type'], str) for node in record['program'])


def test_expressions_of_every_known_type_occur_and_no_others(records):
    assert set(Counter(expression_type(record['program']) for record in records)) == {
        'name', 'attr', 'rel', 'loc', 'mixed'
    }  # fmt: skip


def test_sentences_of_a_picture_are_different_and_name_the_class_of_their_target(records):
    pairs = [(record['image_filename'], record['question']) for record in records]
    assert len(set(pairs)) == len(pairs)
    for record in records:
        assert record['target'].rpartition('_')[0] in record['question'].split()


def test_the_answer_is_the_object_whose_box_is_given(folder, records):
    for record in records:
        mask = instances(folder, record) == record['answer']
        rows, columns = mask.nonzero()
        x, y, w, h = record['box']
        found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.abs(np.subtract(found, [x, y, x + w, y + h])).max() <= 1.5


def test_grasps_are_centred_on_what_can_be_seen_and_open_across_it(folder, records):
    beside = []
    for record in records:
        mask = instances(folder, record) == record['answer']
        for x, y, w, h, theta in corners_to_grasps(np.array(record['grasps'])):
            assert mask[int(y), int(x)]
            assert 0 < h < w
            ends = np.array([x, y]) + np.outer([-0.5, 0.5], [np.cos(theta), -np.sin(theta)]) * w
            columns, rows = ends.astype(int).clip(0, (mask.shape[1] - 1, mask.shape[0] - 1)).T
            beside.append(not mask[rows, columns].any())
    assert np.mean(beside) > 0.97  # outlines are drawn to a pixel


def test_pictures_and_instance_images_are_of_one_size(folder, records):
    for record in records:
        sequence, name = record['image_filename'].split(',', 1)
        picture = cv2.imread(str(folder / sequence / 'rgb' / name))
        assert picture.shape[:2] == instances(folder, record).shape


def test_splits_share_no_picture(files):
    for version in VERSIONS:
        train, val, test = ({record['image_filename'] for record in files[version, split]['data']} for split in SPLITS)
        assert not train & val | train & test | val & test


def test_unique_has_one_expression_per_object(files):
    for split in SPLITS:
        records = files['unique', split]['data']
        assert len({(record['image_filename'], record['answer']) for record in records}) == len(records)
        everything = {(record['image_filename'], record['answer']) for record in files['multiple', split]['data']}
        assert len(everything) == len(records)


def test_novel_instances_are_tested_on_combinations_that_train_does_not_have(files):
    train = {record['target'] for record in files['novel-instances', 'train']['data']}
    test = {record['target'] for record in files['novel-instances', 'test']['data']}
    assert test
    assert not train & test
    assert {shape for _, shape in HELD_OUT} >= {target.rpartition('_')[0] for target in test}


def test_novel_classes_are_targets_of_the_test_only(files):
    for split in SPLITS:
        classes = {record['target'].rpartition('_')[0] for record in files['novel-classes', split]['data']}
        assert classes
        assert (classes <= set(NOVEL_CLASSES)) == (split == 'test')
        assert split == 'test' or not classes & set(NOVEL_CLASSES)
