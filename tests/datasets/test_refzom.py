import pickle

import pytest

from mmvg.datasets import DataError, RefZOMDataset
from mmvg.datasets.refzom import REFS_FILES
from mmvg.registry import DATASETS


class Folder:
    """A Ref-ZOM folder beside the small data folder, whose refs a test may change before :meth:`write`."""

    def __init__(self, data_folder):
        self.data = data_folder
        self.data.images[1]['file_name'] = 'COCO_val2014_000000000002.jpg'
        ref = data_folder.ref
        self.refs = [
            ref(1, 1, 11, {11: 'The dog.'}, source='one'),
            ref(2, 1, [11, 12], {12: 'both dogs', 13: 'two dogs'}, source='many'),
            ref(3, 2, 21, {14: 'a horse'}, source='zero'),
            ref(4, 2, [], {15: 'a car'}, split='test', source='zero'),
            ref(5, 2, [22], {16: 'the cat'}, split='test', source='one'),
        ]

    def write(self, name=REFS_FILES[0]):
        root = self.data.write()
        (root / 'refcoco').rename(root / 'ref-zom')
        (root / 'images/train2014').rename(root / 'images/trainval2014')
        (root / 'ref-zom/refs(unc).p').unlink()
        (root / 'ref-zom' / name).write_bytes(pickle.dumps(self.refs, protocol=2))
        return root


@pytest.fixture
def folder(data_folder):
    return Folder(data_folder)


def made(root, split='train', **changes):
    return RefZOMDataset(split, data_root=str(root), serialize_data=False, **changes)


def test_the_source_says_how_many_targets_there_are(folder):
    dataset = made(folder.write())
    assert [
        (item['ref_id'], item['sent_id'], item['no_target'], [i['ann_id'] for i in item['instances']])
        for item in dataset
    ] == [(1, 11, False, [11]), (2, 12, False, [11, 12]), (2, 13, False, [11, 12]), (3, 14, True, [])]
    assert [item['text'] for item in made(folder.data.root, 'test')] == ['a car', 'the cat']
    assert [item['no_target'] for item in made(folder.data.root, 'test')] == [True, False]
    assert {item['dataset'] for item in dataset} == {'refzom'}


def test_images_of_both_coco_folders_are_named_by_instances_json(folder):
    paths = [item['img_path'] for item in made(folder.write())]
    assert paths[0].endswith('images/trainval2014/COCO_train2014_000000000001.jpg')
    assert paths[-1].endswith('images/trainval2014/COCO_val2014_000000000002.jpg')


@pytest.mark.parametrize('name', REFS_FILES)
def test_every_name_of_the_pickle_is_found(folder, name):
    assert len(made(folder.write(name))) == 4


def test_a_file_without_source_has_targets_everywhere(folder):
    for ref in folder.refs:
        del ref['source']
    folder.refs[3]['ann_id'] = 21
    root = folder.write()
    assert not any(item['no_target'] for split in ('train', 'test') for item in made(root, split))


@pytest.mark.parametrize('ann_id', [[], [-1], [11, -1]])
def test_a_ref_with_targets_names_them(folder, ann_id):
    folder.refs[0]['ann_id'] = ann_id
    with pytest.raises(DataError, match=r"no target in a ref whose source is not 'zero'.*ref_id 1"):
        made(folder.write(), mode='tolerant')


def test_a_target_that_does_not_exist_is_an_error_and_in_a_zero_ref_a_defect(folder):
    folder.refs[2]['ann_id'] = 99
    root = folder.write()
    with pytest.raises(DataError, match=r'annotation that does not exist in a zero ref.*ref_id 3'):
        made(root)
    dataset = made(root, mode='tolerant')
    assert dataset[3]['no_target']
    assert dataset.load_report.counts() == {'annotation that does not exist in a zero ref': 1}


def test_a_zero_ref_may_say_minus_one(folder):
    folder.refs[2]['ann_id'] = [-1]
    assert made(folder.write())[3]['no_target']


def test_a_source_is_a_string(folder):
    folder.refs[0]['source'] = 0
    with pytest.raises(DataError, match='source that is not a string'):
        made(folder.write(), mode='tolerant')


def test_random_mode_has_an_item_per_ref_and_evaluation_an_item_per_sentence(folder):
    root = folder.write()
    dataset = made(root, sentence_mode='random')
    assert len(dataset) == 3
    assert {dataset[1]['text'] for _ in range(40)} == {'both dogs', 'two dogs'}
    assert all(dataset[2]['no_target'] for _ in range(3))
    with pytest.raises(ValueError, match='random'):
        made(root, 'test', sentence_mode='random', test_mode=True)


def test_there_is_no_val_and_the_error_says_so(folder):
    with pytest.raises(DataError, match=r'test \(2 refs\), train \(3 refs\)'):
        made(folder.write(), 'val')


def test_a_missing_folder_says_what_goes_where(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'(?s)ref-zom/refs\(final\)\.p.*instances\.json.*trainval2014'):
        made(tmp_path / 'data')


def test_the_registry_builds_it_from_a_config(folder):
    dataset = DATASETS.build(dict(type='RefZOMDataset', split='test', data_root=str(folder.write()), text_field='sent'))
    assert dataset.metainfo == dict(dataset='refzom', split='test')


def test_a_pickle_with_a_class_is_refused(folder):
    root = folder.write()
    (root / 'ref-zom/refs(final).p').write_bytes(pickle.dumps([pytest.raises]))
    with pytest.raises(DataError, match='refused'):
        made(root, mode='tolerant')
