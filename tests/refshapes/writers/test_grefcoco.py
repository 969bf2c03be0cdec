import json
from collections import defaultdict

import pytest

from mmvg.refshapes.expressions import KINDS

REF_FIELDS = {'ref_id', 'image_id', 'split', 'sentences', 'sent_ids', 'file_name', 'ann_id', 'category_id', 'no_target'}
GREC_IMAGE = {'file_name', 'height', 'width', 'id', 'original_id', 'caption', 'dataset_name', 'tokens_negative'}
GREC_ANNOTATION = {'id', 'image_id', 'category_id', 'bbox', 'area', 'iscrowd', 'empty', 'original_id'} | {
    'tokens_positive'
}


@pytest.fixture(scope='module')
def folder(tiny):
    return tiny / 'grefcoco'


@pytest.fixture(scope='module')
def refs(folder):
    return json.loads((folder / 'grefs(unc).json').read_text())


@pytest.fixture(scope='module')
def instances(folder):
    return json.loads((folder / 'instances.json').read_text())


def test_references_have_the_fields_of_the_real_file(refs, instances):
    annotations = {entry['id']: entry for entry in instances['annotations']}
    names = {entry['id']: entry['file_name'] for entry in instances['images']}
    assert len({ref['ref_id'] for ref in refs}) == len(refs)
    for ref in refs:
        assert set(ref) == REF_FIELDS
        assert ref['no_target'] == (ref['ann_id'] == [-1])
        assert len(ref['ann_id']) == len(ref['category_id'])
        for ann_id, category_id in zip(ref['ann_id'], ref['category_id'], strict=True):
            if ann_id == -1:
                assert category_id == -1
            else:
                assert annotations[ann_id]['category_id'] == category_id
                assert annotations[ann_id]['image_id'] == ref['image_id']
        plain = names[ref['image_id']]
        suffixed = ref['file_name'].removesuffix('.jpg').rsplit('_', 1)[0] + '.jpg'
        assert plain in (ref['file_name'], suffixed)
    assert {ref['file_name'].count('_') for ref in refs} == {2, 3}  # some with a number, some without


def test_sentences_are_numbered_cleaned_and_split_into_words(refs):
    sentences = [sentence for ref in refs for sentence in ref['sentences']]
    assert len({sentence['sent_id'] for sentence in sentences}) == len(sentences)
    for sentence in sentences:
        assert set(sentence) == {'sent_id', 'raw', 'sent', 'tokens'}
        assert sentence['sent'].split() == sentence['tokens']
        assert sentence['sent'].replace(' ', '').isalpha()
        assert sentence['sent'] == sentence['sent'].lower()
    for ref in refs:
        assert ref['sent_ids'] == [sentence['sent_id'] for sentence in ref['sentences']]
    assert any(sentence['raw'] != sentence['sent'] for sentence in sentences)


def test_there_are_silent_empty_single_and_multiple_references(refs):
    assert any(not ref['sentences'] for ref in refs)
    assert {min(len(ref['ann_id']), 3) for ref in refs if not ref['no_target']} == {1, 2, 3}
    assert any(ref['no_target'] for ref in refs)
    assert {ref['split'] for ref in refs} == {'train', 'val', 'testA', 'testB'}


def test_splits_do_not_share_images(refs):
    splits = defaultdict(set)
    for ref in refs:
        splits[ref['image_id']].add(ref['split'])
    assert all(len(names) == 1 for names in splits.values())


def test_instances_are_coco_and_list_unreferenced_objects(refs, instances):
    assert set(instances) == {'info', 'licenses', 'images', 'annotations', 'categories'}
    ids = [entry['id'] for entry in instances['annotations']]
    assert len(set(ids)) == len(ids)
    assert set(ids) - {ann_id for ref in refs for ann_id in ref['ann_id']}
    categories = sorted(entry['id'] for entry in instances['categories'])
    assert categories[0] >= 1
    assert categories[-1] <= 90
    assert categories != list(range(categories[0], categories[-1] + 1))  # gaps, as in COCO
    for entry in instances['annotations']:
        keys = {'segmentation', 'area', 'iscrowd', 'image_id', 'bbox', 'category_id', 'id'}
        assert set(entry) == keys
        assert all(len(polygon) >= 6 and len(polygon) % 2 == 0 for polygon in entry['segmentation'])
        assert entry['area'] > 0


def test_grec_files_have_one_image_per_sentence_and_one_null_box_per_miss(folder, refs, instances):
    boxes = {entry['id']: entry['bbox'] for entry in instances['annotations']}
    image_ids, annotation_ids = [], []
    for split in ('train', 'val', 'testA', 'testB'):
        grec = json.loads((folder / f'finetune_grefcoco_{split}.json').read_text())
        expected = [(s['sent'], ref) for ref in refs if ref['split'] == split for s in ref['sentences']]
        assert [image['caption'] for image in grec['images']] == [sent for sent, _ in expected]
        targets = defaultdict(list)
        for annotation in grec['annotations']:
            assert set(annotation) == GREC_ANNOTATION
            targets[annotation['image_id']].append(annotation)
        for image, (sent, ref) in zip(grec['images'], expected, strict=True):
            assert set(image) == GREC_IMAGE
            assert image['original_id'] == ref['image_id']
            assert image['tokens_negative'] == [[0, len(sent)]]
            assert [a['original_id'] for a in targets[image['id']]] == ref['ann_id']
            for annotation in targets[image['id']]:
                assert annotation['empty'] == ref['no_target']
                assert annotation['bbox'] == ([0, 0, 0, 0] if ref['no_target'] else boxes[annotation['original_id']])
                assert annotation['area'] != 0
        image_ids += [image['id'] for image in grec['images']]
        annotation_ids += [annotation['id'] for annotation in grec['annotations']]
    # ids count on from split to split
    assert image_ids == list(range(len(image_ids)))
    assert annotation_ids == list(range(len(annotation_ids)))


def test_kinds_cover_every_sentence(folder, refs):
    kinds = json.loads((folder / 'kinds(unc).json').read_text())
    assert set(kinds) == {str(sent_id) for ref in refs for sent_id in ref['sent_ids']}
    assert set(kinds.values()) <= set(KINDS)
    for ref in refs:
        assert all((kinds[str(sent_id)] == 'no_target') == ref['no_target'] for sent_id in ref['sent_ids'])
