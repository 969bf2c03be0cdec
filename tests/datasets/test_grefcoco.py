import pickle

import numpy as np
import pytest

from mmvg.datasets import DataError, GRefCOCODataset
from mmvg.datasets import grefcoco as grefcoco_module


def made(root, split: str = 'train', **changes) -> GRefCOCODataset:
    return GRefCOCODataset(split, data_root=str(root), serialize_data=False, **changes)


def ann_ids(item: dict) -> list[int]:
    return [instance['ann_id'] for instance in item['instances']]


def test_several_no_and_one_target(data_folder):
    dataset = made(data_folder.write())
    assert [(item['ref_id'], item['sent_id'], ann_ids(item), item['no_target']) for item in dataset] == [
        (201, 2001, [11, 12], False),
        (202, 2002, [], True),
        (202, 2003, [], True),
        (203, 2004, [21], False),
    ]
    assert {item['dataset'] for item in dataset} == {'grefcoco'}
    assert dataset.load_report.counts() == {
        'ref without sentences': 1,
        'crowd annotation among the targets': 1,
    }


def test_the_grec_crowd_rule_keeps_crowds(data_folder):
    assert ann_ids(made(data_folder.write(), crowd='keep')[3]) == [21, 23]


def test_a_pickle_wins_over_the_json(data_folder):
    root = data_folder.write()
    data_folder.grefs[0]['sentences'][0]['raw'] = 'from the pickle'
    (root / 'grefcoco/grefs(unc).p').write_bytes(pickle.dumps(data_folder.grefs, 2))
    assert made(root)[0]['text'] == 'from the pickle'
    assert made(root, ann_file='grefcoco/grefs(unc).json')[0]['text'] == 'Two dogs'


def test_a_bare_id_is_a_list_of_one(data_folder):
    data_folder.grefs[0]['ann_id'] = 12
    data_folder.grefs[1]['ann_id'] = -1
    dataset = made(data_folder.write())
    assert [(ann_ids(item), item['no_target']) for item in dataset][:2] == [([12], False), ([], True)]


@pytest.mark.parametrize('ids', [[11, -1], [-1, -1], [-1, 11, 12], []])
def test_minus_one_beside_other_ids_or_no_id_at_all_is_an_error_in_both_modes(data_folder, ids):
    data_folder.grefs[0]['ann_id'] = ids
    with pytest.raises(DataError, match='ref_id 201 has ann_id'):
        made(data_folder.write(), mode='tolerant')


@pytest.mark.parametrize(('index', 'flag'), [(0, True), (1, False), (1, None), (1, 'true')])
def test_the_ids_decide_when_the_flag_contradicts_them(data_folder, index, flag):
    data_folder.grefs[index]['no_target'] = flag
    root = data_folder.write()
    with pytest.raises(DataError, match=f'no_target that contradicts ann_id: ref_id {201 + index}'):
        made(root)
    dataset = made(root, mode='tolerant')
    assert [item['no_target'] for item in dataset] == [False, True, True, False]
    assert dataset.load_report.counts()['no_target that contradicts ann_id'] == 1


@pytest.mark.parametrize('flag', [1, np.True_])
def test_the_flag_may_be_another_kind_of_true(data_folder, flag):
    root = data_folder.write()
    data_folder.grefs[1]['no_target'] = flag
    (root / 'grefcoco/grefs(unc).p').write_bytes(pickle.dumps(data_folder.grefs, 2))
    assert [item['no_target'] for item in made(root)] == [False, True, True, False]


def test_the_flag_may_be_absent(data_folder):
    for ref in data_folder.grefs:
        del ref['no_target']
    assert [item['no_target'] for item in made(data_folder.write())] == [False, True, True, False]


@pytest.mark.parametrize('split', ['train', 'val'])
def test_a_target_ref_without_a_usable_target_is_skipped_in_training_and_kept_in_evaluation(data_folder, split):
    index = 2 if split == 'train' else 4
    data_folder.grefs[index]['ann_id'] = [23]  # a crowd, which the GRES reading leaves out
    root = data_folder.write()
    with pytest.raises(DataError, match=r'ref without a usable target: ref_id 20\d, ann_id \[23\]'):
        made(root, split)
    dataset = made(root, split, mode='tolerant')
    assert dataset.load_report.counts()['ref without a usable target'] == 1
    if split == 'train':
        assert [item['ref_id'] for item in dataset] == [201, 202, 202]
    else:
        assert [(item['ref_id'], ann_ids(item), item['no_target']) for item in dataset] == [
            (205, [], False),
            (206, [], True),
        ]


@pytest.mark.parametrize('split', ['train', 'val'])
def test_a_nan_polygon_never_reaches_an_item(data_folder, split):
    data_folder.annotations[2]['segmentation'].append([1, 1, 5, 1, float('nan'), 4])
    root = data_folder.write()
    assert 'NaN' in (root / 'grefcoco/instances.json').read_text()
    with pytest.raises(DataError, match=r'instances\.json: damaged polygon: annotation id 21.*NaN'):
        made(root, split)
    dataset = made(root, split, mode='tolerant')
    masks = [instance['mask'] for item in dataset for instance in item['instances'] if instance['ann_id'] == 21]
    assert masks == [[data_folder.square(5, 5, 10)]]


def test_an_annotation_in_another_image_or_none_is_an_error_in_both_modes(data_folder):
    data_folder.grefs[0]['ann_id'] = [11, 21]
    with pytest.raises(DataError, match='ref_id 201 means image_id 1, but its ann_id 21 lies in image_id 2'):
        made(data_folder.write(), mode='tolerant')
    data_folder.grefs[0]['ann_id'] = [11, 99]
    with pytest.raises(DataError, match='ann_id 99 of ref_id 201'):
        made(data_folder.write(), mode='tolerant')


def test_counts_are_those_of_the_released_file(data_folder, monkeypatch):
    root = data_folder.write()
    with pytest.raises(DataError, match='has 6 expressions, the released file 259859'):
        made(root, check_counts=True)
    monkeypatch.setattr(grefcoco_module, 'RELEASED_EXPRESSIONS', 6)
    assert len(made(root, check_counts=True)) == 4


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('[{"ref_id": 1, "split": "tr', 'cut off'),
        ('{"train": []}', 'dict at its top level, expected a list'),
        ('<html>', 'HTML'),
        ('', 'empty'),
        ('[]', 'the file is empty'),
        ('[3]', 'entry 0 is a int'),
    ],
)
@pytest.mark.parametrize('mode', ['strict', 'tolerant'])
def test_a_damaged_refs_file_is_an_error_in_both_modes(data_folder, content, message, mode):
    root = data_folder.write()
    (root / 'grefcoco/grefs(unc).json').write_text(content)
    with pytest.raises(DataError, match=message) as error:
        made(root, mode=mode)
    assert 'grefs(unc).json' in str(error.value)


def test_a_split_of_which_nothing_is_left_is_an_error(data_folder):
    data_folder.grefs = [data_folder.ref(1, 1, [11], {5: ' '})]
    with pytest.raises(DataError, match=r'no usable sample of split .train. is left; 1 x expression without a word'):
        made(data_folder.write(), mode='tolerant')


@pytest.mark.parametrize(
    'changes',
    [
        dict(reading='rec'),
        dict(crowd='ignore'),
        dict(text_field='tokens'),
        dict(reading='grec', text_field='raw'),
        dict(reading='grec', check_counts=True),
    ],
)
def test_an_unknown_or_impossible_choice_is_an_error(data_folder, changes):
    with pytest.raises(ValueError, match=r'reading|crowd|text_field|check_counts'):
        made(data_folder.write(), **changes)


def test_without_masks_segmentations_are_not_looked_at(data_folder):
    for annotation in data_folder.annotations:
        del annotation['segmentation']
    item = made(data_folder.write(), with_mask=False)[0]
    assert [set(instance) for instance in item['instances']] == [{'bbox', 'bbox_label', 'ignore_flag', 'ann_id'}] * 2
