import json

import pytest

from mmvg.datasets import DataError, InstanceVGJSONDataset
from mmvg.registry import DATASETS

SIZE = dict(width=80, height=60)
SQUARE = [10, 10, 30, 10, 30, 30, 10, 30]
OTHER = [40, 20, 70, 20, 70, 50, 40, 50]
NULL = dict(bbox=None, segmentation=None, category_id=None, id=-1, iscrowd=0, bbox_mode=1, empty=True)


def single(image_id, texts, bbox=(10, 10, 20, 20), mask=(SQUARE,), **changes):
    made = dict(image_id=image_id, expressions=texts, bbox=list(bbox), mask=list(mask), **SIZE)
    return {**made, **changes}


def target(number, bbox=(10, 10, 20, 20), polygon=SQUARE, **changes):
    made = dict(bbox=list(bbox), segmentation=[polygon], category_id=18, id=number, iscrowd=0, bbox_mode=1, empty=False)
    return {**made, **changes}


def several(image_id, annotations, **expressions):
    name = f'COCO_val2014_{image_id:012d}.jpg'
    return dict(image_id=image_id, file_name=name, expressions=expressions, annotations=annotations, **SIZE)


TWO = [target(11), target(12, (40, 20, 30, 30), OTHER)]


@pytest.fixture
def write(tmp_path):
    """Writes a file and gives the dataset of one of its splits."""

    def made(content, split='train', index=None, **changes):
        (tmp_path / 'images/train2014').mkdir(parents=True, exist_ok=True)
        (tmp_path / 'images/train2014/any.jpg').touch()
        (tmp_path / 'records.json').write_text(json.dumps(content))
        if index is not None:
            (tmp_path / 'index.json').write_text(json.dumps(index))
            changes['index_file'] = 'index.json'
        return InstanceVGJSONDataset(
            'mine', split, 'records.json', data_root=str(tmp_path), serialize_data=False, **changes
        )

    return made


def rows(dataset):
    return [
        (i['ref_id'], i['sent_id'], i['text'], i['no_target'], [t['ann_id'] for t in i['instances']]) for i in dataset
    ]


def test_single_target_records_have_an_item_per_expression(write):
    dataset = write({'train': [single(7, ['a dog', 'the dog'], id=31), single(8, ['cat'])]})
    assert rows(dataset) == [
        (0, 0, 'a dog', False, [31]),
        (0, 1, 'the dog', False, [31]),
        (1, 2, 'cat', False, [1]),
    ]
    item = dataset[0]
    assert item['img_path'].endswith('images/train2014/COCO_train2014_000000000007.jpg')
    assert item['instances'][0]['bbox'] == [10, 10, 30, 30]
    assert item['instances'][0]['mask'] == [SQUARE]
    assert item['dataset'] == 'mine'


def test_random_mode_has_an_item_per_record(write):
    dataset = write({'train': [single(7, ['a dog', 'the dog'])]}, sentence_mode='random')
    assert len(dataset) == 1
    assert {dataset[0]['text'] for _ in range(40)} == {'a dog', 'the dog'}


def test_boxes_are_clipped_to_the_last_pixel_as_instancevg_does(write):
    content = {'train': [single(7, ['all'], bbox=[-5, 0, 85, 60])]}
    assert write(content)[0]['instances'][0]['bbox'] == [0, 0, 79, 59]
    assert write(content, clip_to='edge')[0]['instances'][0]['bbox'] == [0, 0, 80, 60]


def test_records_of_several_targets_take_their_ids_and_file_name_from_the_file(write):
    content = {
        'val': [
            several(7, TWO, raw='both dogs', sent_id=5, ref_id=3),
            several(7, [NULL], raw='a horse', sent_id=6, ref_id=4),
            several(8, [target(11)], raw='the dog', sent_id=7, ref_id=5),
        ]
    }
    dataset = write(content, 'val')
    assert rows(dataset) == [
        (3, 5, 'both dogs', False, [11, 12]),
        (4, 6, 'a horse', True, []),
        (5, 7, 'the dog', False, [11]),
    ]
    assert dataset[0]['img_path'].endswith('COCO_val2014_000000000007.jpg')
    assert dataset.load_report.evaluation


def test_several_texts_of_a_record_are_several_sentences(write):
    content = {'train': [several(7, TWO, raw=['both dogs', 'two dogs'], ref_id=3)]}
    assert [row[:3] for row in rows(write(content))] == [(3, 0, 'both dogs'), (3, 1, 'two dogs')]
    content['train'][0]['expressions']['sent_id'] = [8, 9]
    assert [row[:3] for row in rows(write(content))] == [(3, 8, 'both dogs'), (3, 9, 'two dogs')]


def test_a_list_of_records_is_a_ref_with_positive_and_negative_sentences(write):
    records = [several(7, [target(11)], raw='the dog'), several(7, [NULL], raw='a bus')]
    dataset = write({'train': [records]}, sentence_mode='random')
    assert len(dataset) == 1
    drawn = {(i['text'], i['no_target'], len(i['instances'])) for i in (dataset[0] for _ in range(40))}
    assert drawn == {('the dog', False, 1), ('a bus', True, 0)}
    assert [row[2:4] for row in rows(write({'train': [records]}))] == [('the dog', False), ('a bus', True)]


def test_the_index_says_which_entries_are_of_one_ref(write):
    entries = [[several(7, [target(11)], raw='a')], [several(7, [NULL], raw='b')], [several(8, [NULL], raw='c')]]
    dataset = write({'val_x': entries}, 'val_x', index={'val_x': [[0, 2], [2, 3]]})
    assert [(row[0], row[1]) for row in rows(dataset)] == [(0, 0), (0, 1), (1, 2)]


@pytest.mark.parametrize(
    'ranges', [[], [[0, 2]], [[1, 3]], [[0, 1], [2, 3]], [[0, 2], [1, 3]], [[0, 0], [0, 3]], [[0]], [3], [[0, 3.0]]]
)
def test_an_index_that_does_not_cover_the_split_is_an_error(write, ranges):
    entries = [[several(7, [NULL], raw=text)] for text in 'abc']
    with pytest.raises(DataError, match=r'index\.json: range'):
        write({'val_x': entries}, 'val_x', index={'val_x': ranges})


def test_a_null_annotation_hides_nothing_after_it(write):
    content = {'train': [several(7, [TWO[0], NULL, TWO[1]], raw='both')]}
    with pytest.raises(DataError, match='null annotation among others'):
        write(content)
    dataset = write(content, mode='tolerant')
    assert rows(dataset)[0][4] == [11, 12]
    assert dataset.load_report.counts() == {'null annotation among others': 1}


def test_a_mask_may_be_an_rle_and_a_record_without_box_and_mask_means_nothing(write):
    rle = dict(size=[60, 80], counts=[0, 600, 4200])
    dataset = write({'train': [dict(single(7, ['left']), mask=rle), single(7, ['no'], bbox=(), mask=())]})
    assert dataset[0]['instances'][0]['mask'] == rle
    assert rows(dataset)[1][2:] == ('no', True, [])


def test_a_box_without_a_mask_is_a_defect(write):
    content = {'train': [single(7, ['dog'], mask=()), single(7, ['cat'])]}
    with pytest.raises(DataError, match=r'empty segmentation: train\[0\]'):
        write(content)
    assert [row[2] for row in rows(write(content, mode='tolerant'))] == ['cat']


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'val': []}, r"no list of split 'train'.*\['val'\]"),
        ({'train': [3]}, r'record that is not a dict.*train\[0\]'),
        ({'train': [[]]}, 'empty list of records'),
        ({'train': [{'image_id': 3}]}, 'record without width'),
        ({'train': [several(7, [], raw='a')]}, 'record without an annotation'),
        ({'train': [several(7, None, raw='a')]}, 'not a list of dicts'),
        ({'train': [several(7, [target(1, bbox_mode=0)], raw='a')]}, 'bbox_mode that is not 1'),
        ({'train': [several(7, [target(1, empty=True)], raw='a')]}, 'empty annotation with a box'),
        ({'train': [several(7, TWO, raw='a', sent_id=1), several(7, TWO, raw='b')]}, 'sent_id in some records only'),
        (
            {'train': [several(7, TWO, raw='a', sent_id=1, ref_id=2), several(7, TWO, raw='b', sent_id=1, ref_id=2)]},
            'two expressions with one ref_id and sent_id',
        ),
        ({'train': [single(7, ['a']), single(7, ['a'], width=70)]}, 'two different images with one id'),
        ({'train': [[several(7, TWO, raw='a'), several(8, TWO, raw='b')]]}, 'records of different images'),
        ({'train': [[several(7, TWO, raw='a'), several(7, TWO[:1], raw='b')]]}, 'with different targets'),
        (
            {'train': [[several(7, TWO, raw='a', ref_id=1), several(7, TWO, raw='b', ref_id=2)]]},
            'with different ref_id',
        ),
        ([], 'holds a list'),
    ],
)
def test_what_cannot_be_read_is_an_error_that_names_the_file(write, content, message):
    with pytest.raises(DataError, match=rf'records\.json.*{message}'):
        write(content, mode='tolerant')


def test_an_expression_that_is_no_string_is_skipped_in_training_only(write):
    content = {split: [single(7, ['dog', None])] for split in ('train', 'val')}
    assert len(write(content, mode='tolerant')) == 1
    with pytest.raises(DataError, match='expression that is not a string'):
        write(content, 'val', mode='tolerant')


def test_a_missing_file_and_a_missing_index_are_named(write, tmp_path):
    write({'train': [single(7, ['a'])]})
    with pytest.raises(FileNotFoundError, match=r'gone\.json'):
        InstanceVGJSONDataset('mine', 'train', 'records.json', data_root=str(tmp_path), index_file='gone.json')


def test_the_registry_builds_it_from_a_config(write, tmp_path):
    write({'val_refcoco_unc': [single(7, ['a dog'])]}, 'val_refcoco_unc')
    config = dict(
        type='InstanceVGJSONDataset',
        dataset='refcoco',
        split='val_refcoco_unc',
        ann_file='records.json',
        data_root=str(tmp_path),
    )
    assert DATASETS.build(config).metainfo == dict(dataset='refcoco', split='val_refcoco_unc')
