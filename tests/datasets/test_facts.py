"""What data sets tell about an expression beyond its targets: its kind, and what its target may be mistaken for."""

import json
import pickle
from collections import Counter

import pytest

from mmvg.datasets import GRefCOCODataset, RefCOCODataset, RRefDataset
from mmvg.datasets.readers import DataError
from mmvg.structures import item_facts


def instances_of(root, name):
    content = json.loads((root / name / 'instances.json').read_text())
    return content['annotations'], {a['id']: a for a in content['annotations']}


def test_distractors_are_the_other_objects_of_the_category(refshapes_tiny):
    annotations, by_id = instances_of(refshapes_tiny, 'refcoco')
    seen = Counter()
    for item in RefCOCODataset('refcoco', 'val', data_root=str(refshapes_tiny)):
        target = by_id[item['instances'][0]['ann_id']]
        others = [
            a
            for a in annotations
            if (a['image_id'], a['category_id']) == (target['image_id'], target['category_id']) and a != target
        ]
        assert item['num_distractors'] == len(others)
        seen[len(others)] += 1
    assert len(seen) > 1


def test_several_targets_are_no_distractors_of_each_other_and_no_target_has_none(refshapes_tiny):
    annotations, by_id = instances_of(refshapes_tiny, 'grefcoco')
    several = 0
    for item in GRefCOCODataset('val', data_root=str(refshapes_tiny)):
        meant = {instance['ann_id'] for instance in item['instances']}
        assert ('num_distractors' in item) == bool(meant)
        categories = {by_id[ann_id]['category_id'] for ann_id in meant}
        same = [a for a in annotations if a['image_id'] == item['img_id'] and a['category_id'] in categories]
        assert item.get('num_distractors', 0) == len([a for a in same if a['id'] not in meant])
        several += len(meant) > 1
    assert several


def test_a_negative_sentence_of_a_ref_with_a_target_has_no_distractors(refshapes_tiny):
    dataset = RRefDataset('rrefcoco', 'val', data_root=str(refshapes_tiny))
    assert {('num_distractors' in item, item['no_target']) for item in dataset} == {(True, False), (False, True)}


def test_a_file_that_lists_targets_only_counts_nothing(refshapes_tiny):
    dataset = GRefCOCODataset('val', reading='grec', data_root=str(refshapes_tiny))
    assert not any('num_distractors' in item for item in dataset)


@pytest.mark.parametrize('make', [lambda root: RefCOCODataset('refcoco', 'val', data_root=root)])
def test_the_kinds_that_refshapes_writes_reach_the_sample(refshapes_tiny, make):
    kinds = json.loads((refshapes_tiny / 'refcoco/kinds(unc).json').read_text())
    dataset = make(str(refshapes_tiny))
    assert len({item['kind'] for item in dataset}) > 2
    for index in range(len(dataset)):
        item = dataset.get_data_info(index)
        facts = item_facts(item, item['sentences'][0])
        assert facts['kind'] == kinds[str(facts['sent_id'])]
        assert facts['num_distractors'] == item['num_distractors']


@pytest.fixture
def own_refs(refshapes_tiny, tmp_path):
    (tmp_path / 'refcoco').mkdir()
    (tmp_path / 'images').symlink_to(refshapes_tiny / 'images')
    (tmp_path / 'refcoco/instances.json').symlink_to(refshapes_tiny / 'refcoco/instances.json')
    refs = pickle.loads((refshapes_tiny / 'refcoco/refs(unc).p').read_bytes())
    (tmp_path / 'refcoco/refs(unc).p').write_bytes(pickle.dumps(refs, protocol=2))
    return tmp_path


def test_without_a_file_of_kinds_there_is_no_kind(own_refs):
    assert 'kind' not in RefCOCODataset('refcoco', 'val', data_root=str(own_refs))[0]


@pytest.mark.parametrize('content', ['[1]', '{"1": 3'])
def test_a_damaged_file_of_kinds_is_an_error(own_refs, content):
    (own_refs / 'refcoco/kinds(unc).json').write_text(content)
    with pytest.raises(DataError, match=r'kinds\(unc\)\.json'):
        RefCOCODataset('refcoco', 'val', data_root=str(own_refs))


def test_a_kind_that_is_no_text_is_an_error(own_refs):
    first = RefCOCODataset('refcoco', 'val', data_root=str(own_refs))[0]['sent_id']
    (own_refs / 'refcoco/kinds(unc).json').write_text(json.dumps({str(first): 3}))
    with pytest.raises(DataError, match=f'sent_id {first} is of kind 3'):
        RefCOCODataset('refcoco', 'val', data_root=str(own_refs))
