import json
import pickle

import pytest

FIELDS = {'ref_id', 'ann_id', 'category_id', 'image_id', 'file_name', 'split', 'sent_ids', 'sentences', 'source'}


@pytest.fixture(scope='module')
def folder(tiny):
    return tiny / 'ref-zom'


@pytest.fixture(scope='module')
def refs(folder):
    return pickle.loads((folder / 'refs(final).p').read_bytes())


@pytest.fixture(scope='module')
def instances(folder):
    return json.loads((folder / 'instances.json').read_text())


def test_references_have_a_source_and_the_fields_of_the_real_file(refs, instances):
    annotations = {entry['id']: entry for entry in instances['annotations']}
    assert {ref['split'] for ref in refs} == {'train', 'test'}
    for ref in refs:
        assert set(ref) == FIELDS
        assert ref['sentences']
        assert ref['sent_ids'] == [sentence['sent_id'] for sentence in ref['sentences']]
        ann_ids = ref['ann_id'] if isinstance(ref['ann_id'], list) else [ref['ann_id']]
        assert (ref['source'] == 'many') == isinstance(ref['ann_id'], list) == (len(ann_ids) > 1)
        assert all(annotations[ann_id]['image_id'] == ref['image_id'] for ann_id in ann_ids)
    assert {ref['source'] for ref in refs} == {'zero', 'one', 'many'}


def test_sources_and_sentences_are_those_of_grefcoco(tiny, refs):
    grefs = {ref['ref_id']: ref for ref in json.loads((tiny / 'grefcoco/grefs(unc).json').read_text())}
    assert {ref['ref_id'] for ref in refs} == {number for number, ref in grefs.items() if ref['sentences']}
    for ref in refs:
        gref = grefs[ref['ref_id']]
        assert (ref['source'] == 'zero') == gref['no_target']
        assert ref['sentences'] == gref['sentences']
        assert ref['split'] == ('train' if gref['split'] == 'train' else 'test')


def test_pictures_of_both_coco_folders_lie_in_one(tiny, folder, instances):
    names = {entry['id']: entry['file_name'] for entry in instances['images']}
    assert {name.split('_')[1] for name in names.values()} == {'train2014', 'val2014'}
    assert sorted(names.values()) == sorted(path.name for path in (folder / 'trainval2014').iterdir())
    for number, name in names.items():
        original = tiny / f'images/train2014/COCO_train2014_{number:012d}.jpg'
        assert (folder / 'trainval2014' / name).read_bytes() == original.read_bytes()


def test_kinds_cover_every_sentence(folder, refs):
    kinds = json.loads((folder / 'kinds(final).json').read_text())
    assert set(kinds) == {str(sent_id) for ref in refs for sent_id in ref['sent_ids']}
    for ref in refs:
        assert {kinds[str(sent_id)] == 'no_target' for sent_id in ref['sent_ids']} == {ref['source'] == 'zero'}
