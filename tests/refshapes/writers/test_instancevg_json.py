"""Both ways of reading must give the same samples: the benchmarks' own files and InstanceVG's."""

import json
from collections import Counter

import pytest

from mmvg.datasets import (
    GRefCOCODataset,
    InstanceVGJSONDataset,
    MixedRefCOCODataset,
    RefCOCODataset,
    RefZOMDataset,
    RRefDataset,
)


def samples(dataset):
    """What the samples are, whatever their order and numbers."""
    found = Counter()
    for i in range(len(dataset)):
        item = dataset.get_data_info(i)
        targets = tuple((t['ann_id'], *t['bbox'], json.dumps(t['mask'])) for t in item['instances'])
        texts = tuple(sentence['text'] for sentence in item['sentences'])
        found[item['img_path'], item['height'], item['width'], texts, item['no_target'], targets] += 1
    return found


def ours(root, name, split, file, **changes):
    ann_file = f'instancevg/{file}'
    options = dict(clip_to='edge', check_images=True) | changes
    return InstanceVGJSONDataset(name, split, ann_file, data_root=str(root), **options)


@pytest.mark.parametrize('split', ['train', 'val', 'testA', 'testB'])
def test_grefs(tiny, split):
    first = ours(tiny, 'grefcoco', split, 'grefs/instances.json')
    second = GRefCOCODataset(split, data_root=str(tiny))
    assert samples(first) == samples(second)
    numbers = [
        [(item['ref_id'], item['sentences'][0]['sent_id']) for item in map(dataset.get_data_info, range(len(dataset)))]
        for dataset in (first, second)
    ]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize('split', ['train', 'test'])
def test_ref_zom(tiny, split):
    prefix = 'ref-zom/trainval2014'
    first = ours(tiny, 'refzom', split, 'ref-zom/instances.json', img_prefix=prefix)
    assert samples(first) == samples(RefZOMDataset(split, data_root=str(tiny), img_prefix=prefix))


@pytest.mark.parametrize('name', ['rrefcoco', 'rrefcoco+', 'rrefcocog'])
def test_rrefcoco_val_and_its_index(tiny, name):
    index = 'instancevg/rrefcoco/instance_index.json'
    first = ours(tiny, name, f'val_{name}', 'rrefcoco/instances.json', index_file=index)
    second = RRefDataset(name, 'val', data_root=str(tiny))
    assert samples(first) == samples(second)
    groups = [
        list(Counter(dataset.get_data_info(i)['ref_id'] for i in range(len(dataset))).values())
        for dataset in (first, second)
    ]
    assert groups[0] == groups[1]


def test_rrefcoco_train_is_a_list_of_records_per_ref(tiny):
    first = ours(tiny, 'rrefcoco', 'train', 'rrefcoco/instances.json', sentence_mode='random')
    second = RRefDataset('rrefcoco', 'train', data_root=str(tiny), sentence_mode='random')
    assert samples(first) == samples(second)


@pytest.mark.parametrize('mode', ['all', 'random'])
def test_mixed_train_keeps_all_images(tiny, mode):
    first = ours(tiny, 'mixed', 'train', 'mixed-seg/instances_nogoogle_withid.json', sentence_mode=mode)
    assert samples(first) == samples(MixedRefCOCODataset(leakage='keep', data_root=str(tiny), sentence_mode=mode))


@pytest.mark.parametrize(
    ('split', 'name', 'own'),
    [
        ('val_refcoco_unc', 'refcoco', 'val'),
        ('testB_refcocoplus_unc', 'refcoco+', 'testB'),
        ('test_refcocog_umd', 'refcocog', 'test'),
    ],
)
def test_mixed_evaluation_splits(tiny, split, name, own):
    first = ours(tiny, name, split, 'mixed-seg/instances_nogoogle_withid.json')
    assert samples(first) == samples(RefCOCODataset(name, own, data_root=str(tiny)))


def test_the_keys_of_the_mixed_file_are_those_of_the_release(tiny):
    content = json.loads((tiny / 'instancevg/mixed-seg/instances_nogoogle_withid.json').read_text())
    assert set(content) == {
        'train',
        *(f'{split}_refcoco_unc' for split in ('val', 'testA', 'testB')),
        *(f'{split}_refcocoplus_unc' for split in ('val', 'testA', 'testB')),
        'val_refcocog_umd',
        'test_refcocog_umd',
    }
    assert all(
        len(record['expressions']) == 1 for key, records in content.items() if key != 'train' for record in records
    )


def test_a_null_annotation_alone_says_that_there_is_no_target(tiny):
    content = json.loads((tiny / 'instancevg/grefs/instances.json').read_text())
    nulls = [record['annotations'] for record in content['val'] if record['annotations'][0]['bbox'] is None]
    assert nulls
    for (annotation,) in nulls:
        assert annotation == {
            'bbox': None,
            'segmentation': None,
            'category_id': None,
            'id': -1,
            'iscrowd': 0,
            'bbox_mode': 1,
            'empty': True,
        }
