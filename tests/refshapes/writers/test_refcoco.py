import json
import pickle
import pickletools

import pytest

REF_FIELDS = {'ref_id', 'ann_id', 'category_id', 'image_id', 'file_name', 'split', 'sent_ids', 'sentences'}
FILES = ['refcoco/refs(unc).p', 'refcoco+/refs(unc).p', 'refcocog/refs(umd).p', 'refcocog/refs(google).p']


def load(path):
    return pickle.loads(path.read_bytes())


@pytest.mark.parametrize('name', FILES)
def test_pickles_are_protocol_2_and_hold_plain_values_only(tiny, name):
    opcodes = {opcode.name for opcode, _, _ in pickletools.genops((tiny / name).read_bytes())}
    assert not opcodes & {'GLOBAL', 'STACK_GLOBAL', 'REDUCE', 'NEWOBJ', 'FRAME'}
    assert (tiny / name).read_bytes()[:2] == b'\x80\x02'


@pytest.mark.parametrize('name', FILES)
def test_references_have_the_fields_of_the_real_file(tiny, name):
    refs = load(tiny / name)
    instances = json.loads((tiny / name).with_name('instances.json').read_text())
    annotations = {entry['id']: entry for entry in instances['annotations']}
    names = {entry['id']: entry['file_name'] for entry in instances['images']}
    assert len({ref['ref_id'] for ref in refs}) == len(refs)
    for ref in refs:
        assert set(ref) == REF_FIELDS
        assert annotations[ref['ann_id']]['image_id'] == ref['image_id']
        assert annotations[ref['ann_id']]['category_id'] == ref['category_id']
        stem = names[ref['image_id']].removesuffix('.jpg')
        assert ref['file_name'].startswith(stem + '_')
        assert ref['file_name'][len(stem) + 1 : -4].isdigit()
        assert ref['sentences']
        assert ref['sent_ids'] == [sentence['sent_id'] for sentence in ref['sentences']]
        for sentence in ref['sentences']:
            assert set(sentence) == {'sent_id', 'raw', 'sent', 'tokens'}
            assert sentence['tokens'] == sentence['sent'].split()


def test_split_names_are_those_of_each_partition(tiny):
    splits = [{ref['split'] for ref in load(tiny / name)} for name in FILES]
    unc = {'train', 'val', 'testA', 'testB'}
    assert splits == [unc, unc, {'train', 'val', 'test'}, {'train', 'val'}]


def test_all_formats_share_images_and_umd_follows_their_splits(tiny):
    texts = {(tiny / name).with_name('instances.json').read_text() for name in FILES}
    assert len(texts) == 1
    of_image = {ref['image_id']: ref['split'] for ref in load(tiny / 'refcoco/refs(unc).p')}
    for ref in load(tiny / 'refcocog/refs(umd).p'):
        split = of_image.get(ref['image_id'], ref['split'])
        assert ref['split'] == ('test' if split.startswith('test') else split)


def test_google_partitions_objects_and_not_images(tiny):
    refs = load(tiny / 'refcocog/refs(google).p')
    tests = {ref['ref_id'] for ref in load(tiny / 'refcocog/refs(umd).p') if ref['split'] == 'test'}
    assert not tests & {ref['ref_id'] for ref in refs}
    images = {split: {ref['image_id'] for ref in refs if ref['split'] == split} for split in ('train', 'val')}
    assert images['train'] & images['val']
