import pickle

import pytest

from mmvg.datasets import DataError, RefCOCODataset
from mmvg.datasets.refcoco import RELEASED_COUNTS
from mmvg.registry import DATASETS


def made(root, split: str = 'train', **changes) -> RefCOCODataset:
    return RefCOCODataset('refcoco', split, data_root=str(root), serialize_data=False, **changes)


def test_an_item_per_sentence_in_file_order(data_folder):
    root = data_folder.write()
    dataset = made(root)
    assert [(item['ref_id'], item['sent_id'], item['text']) for item in dataset] == [
        (101, 1001, 'The left dog.'),
        (101, 1002, 'dog on the left'),
        (102, 1003, 'small cat'),
        (102, 1004, 'a cat'),
        (102, 1005, 'top left'),
    ]
    assert dataset.get_data_info(0) == dict(
        img_path=str(root / 'images/train2014/COCO_train2014_000000000001.jpg'),
        img_id=1,
        height=60,
        width=80,
        dataset='refcoco',
        ref_id=101,
        sentences=[dict(sent_id=1001, text='The left dog.')],
        instances=[
            dict(
                bbox=[10, 10, 30, 30],
                mask=[data_folder.square(10, 10, 20)],
                bbox_label=0,
                ignore_flag=0,
                ann_id=11,
            )
        ],
        no_target=False,
        num_distractors=1,  # the second dog
        sample_idx=0,
    )


def test_an_item_per_ref_with_all_its_sentences_in_random_mode(data_folder):
    dataset = made(data_folder.write(), sentence_mode='random')
    assert len(dataset) == 2
    assert [s['sent_id'] for s in dataset.get_data_info(1)['sentences']] == [1003, 1004, 1005]
    drawn = {(item['sent_id'], item['text']) for item in (dataset[1] for _ in range(60))}
    assert drawn == {(1003, 'small cat'), (1004, 'a cat'), (1005, 'top left')}


def test_the_registry_builds_it_from_a_config(data_folder):
    root = data_folder.write()
    dataset = DATASETS.build(dict(type='RefCOCODataset', dataset='refcoco', split='val', data_root=str(root)))
    assert [item['text'] for item in dataset] == ['big dog']
    assert dataset.metainfo == dict(dataset='refcoco', split='val')


def test_two_refs_may_share_an_annotation(data_folder):
    data_folder.refs[1].update(ann_id=11, image_id=1)
    dataset = made(data_folder.write())
    assert [item['ref_id'] for item in dataset] == [101, 101, 102, 102, 102]
    assert {item['instances'][0]['ann_id'] for item in dataset} == {11}


def test_sentences_come_from_the_field_asked_for(data_folder):
    assert made(data_folder.write(), text_field='sent')[0]['text'] == 'the left dog'


@pytest.mark.parametrize(
    ('dataset', 'split_by', 'folder'),
    [('refcoco', 'google', 'refcoco'), ('refcoco+', None, 'refcoco+'), ('refcocog', None, 'refcocog')],
)
def test_files_are_found_by_dataset_and_split_by(data_folder, dataset, split_by, folder):
    root = data_folder.write()
    name = {'refcoco': 'refs(google).p', 'refcoco+': 'refs(unc).p', 'refcocog': 'refs(umd).p'}[dataset]
    (root / folder).mkdir(exist_ok=True)
    (root / folder / name).write_bytes(pickle.dumps(data_folder.refs[2:3]))
    (root / folder / 'instances.json').write_bytes((root / 'refcoco/instances.json').read_bytes())
    (item,) = RefCOCODataset(dataset, 'val', split_by, data_root=str(root), serialize_data=False)
    assert (item['dataset'], item['ref_id']) == (dataset, 103)


def test_every_path_can_be_given(data_folder, tmp_path):
    root = data_folder.write()
    (root / 'refcoco/refs(unc).p').rename(tmp_path / 'mine.p')
    (root / 'refcoco/instances.json').rename(root / 'all.json')
    (root / 'images/train2014').rename(tmp_path / 'pictures')
    dataset = made(
        root, ann_file=str(tmp_path / 'mine.p'), instances_file='all.json', img_prefix=str(tmp_path / 'pictures')
    )
    assert dataset[0]['img_path'] == str(tmp_path / 'pictures/COCO_train2014_000000000001.jpg')


def test_the_image_is_named_by_instances_json_and_not_by_the_ref(data_folder):
    data_folder.images[0]['file_name'] = 'COCO_val2014_000000000001.jpg'
    assert made(data_folder.write())[0]['img_path'].endswith('/COCO_val2014_000000000001.jpg')


@pytest.mark.parametrize('ann_id', [-1, [-1], [11, 12], []])
def test_a_ref_has_exactly_one_target(data_folder, ann_id):
    data_folder.refs[0]['ann_id'] = ann_id
    with pytest.raises(DataError, match='not exactly one target: ref_id 101'):
        made(data_folder.write(), mode='tolerant')


@pytest.mark.parametrize(
    'changes',
    [
        dict(dataset='refclef'),
        dict(text_field='tokens'),
        dict(sentence_mode='first'),
        dict(mode='lax'),
        dict(clip_to='w'),
        dict(sentence_mode='random', test_mode=True),
    ],
)
def test_an_unknown_choice_is_an_error_that_shows_it(data_folder, changes):
    value = str(next(iter(changes.values())))
    with pytest.raises(ValueError, match=value):
        RefCOCODataset(**{'dataset': 'refcoco', 'split': 'train', 'data_root': str(data_folder.write()), **changes})


def test_released_totals_add_up():
    def total(key, column):
        return sum(counts[column] for counts in RELEASED_COUNTS[key].values())

    assert (total(('refcoco', 'unc'), 0), total(('refcoco', 'unc'), 1)) == (50_000, 142_210)
    assert (total(('refcoco+', 'unc'), 0), total(('refcoco+', 'unc'), 1)) == (49_856, 141_564)
    assert (total(('refcocog', 'umd'), 0), total(('refcocog', 'umd'), 1)) == (49_822, 95_010)
    assert (total(('refcocog', 'google'), 0), total(('refcocog', 'google'), 1)) == (49_822, 95_010)
    assert [total(('refcoco', 'unc'), 2), total(('refcoco+', 'unc'), 2), total(('refcocog', 'umd'), 2)] == [
        19_994,
        19_992,
        25_799,
    ]


def test_counts_are_compared_on_demand_refs_first(data_folder, monkeypatch):
    root = data_folder.write()
    with pytest.raises(DataError, match="'train' has 2 refs, the released file 42404"):
        made(root, check_counts=True)
    monkeypatch.setitem(RELEASED_COUNTS, ('refcoco', 'unc'), {'train': (2, 6, 2), 'val': (1, 1, 1)})
    with pytest.raises(DataError, match="'train' has 5 expressions, the released file 6"):
        made(root, check_counts=True)
    assert len(made(root, 'val', check_counts=True)) == 1
    with pytest.raises(DataError, match='no released size is known of refcoco unc testA'):
        made(root, 'testA', check_counts=True)


def test_a_missing_folder_says_what_goes_where_and_that_the_demo_needs_none(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'(?s)refcoco/refs\(unc\)\.p.*instances\.json.*make demo'):
        made(tmp_path / 'data')


@pytest.mark.parametrize(
    ('content', 'message'),
    [(b'<html>Not Found</html>', 'HTML'), (b'version https://git-lfs.github.com/spec/v1', 'Git LFS'), (b'', 'empty')],
)
def test_a_file_that_is_no_pickle_says_what_it_is(data_folder, content, message):
    root = data_folder.write()
    (root / 'refcoco/refs(unc).p').write_bytes(content)
    with pytest.raises(DataError, match=rf'refs\(unc\)\.p \({len(content)} bytes\) is .*{message}'):
        made(root, mode='tolerant')


def test_an_unknown_split_lists_those_found(data_folder):
    with pytest.raises(DataError, match=r'testA \(1 refs\), train \(2 refs\), val \(1 refs\)'):
        made(data_folder.write(), 'test')
