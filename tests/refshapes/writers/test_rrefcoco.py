import json
import pickle

import pytest

PAIRS = [
    ('rrefcoco', 'refcoco/refs(unc).p'),
    ('rrefcoco+', 'refcoco+/refs(unc).p'),
    ('rrefcocog', 'refcocog/refs(umd).p'),
]


def load(path):
    return pickle.loads(path.read_bytes())


@pytest.mark.parametrize(('folder', 'base'), PAIRS)
def test_references_keep_what_they_have_and_gain_negative_sentences(tiny, folder, base):
    robust, plain = load(tiny / folder / 'refs(unc).p'), load(tiny / base)
    assert len(robust) == len(plain)
    for ref, before in zip(robust, plain, strict=True):
        assert {key: value for key, value in ref.items() if not key.startswith('sent')} == {
            key: value for key, value in before.items() if not key.startswith('sent')
        }
        positives = [sentence for sentence in ref['sentences'] if sentence['exist']]
        assert [{k: v for k, v in s.items() if k != 'exist'} for s in positives] == before['sentences']
        negatives = [sentence for sentence in ref['sentences'] if not sentence['exist']]
        assert len(negatives) <= (len(positives) if ref['split'] == 'train' else 10)
        assert ref['sent_ids'] == [sentence['sent_id'] for sentence in ref['sentences']]
    assert (tiny / folder / 'instances.json').read_bytes() == (tiny / base).with_name('instances.json').read_bytes()


@pytest.mark.parametrize(('folder', 'base'), PAIRS)
def test_there_are_as_many_negative_as_positive_sentences_in_train_and_about_ten_elsewhere(tiny, folder, base):
    refs = load(tiny / folder / 'refs(unc).p')
    counts = {True: [], False: []}
    for ref in refs:
        exist = [bool(sentence['exist']) for sentence in ref['sentences']]
        if ref['split'] == 'train':
            counts[True].append(exist.count(True) - exist.count(False))
        else:
            counts[False].append(exist.count(False))
    assert sum(map(abs, counts[True])) <= 0.02 * len(counts[True])
    assert sum(counts[False]) / len(counts[False]) > 9


def test_exist_is_a_truth_value_or_a_number_and_sentences_are_numbered_once(tiny):
    for folder, kind in (('rrefcoco', bool), ('rrefcoco+', int), ('rrefcocog', bool)):
        sentences = [s for ref in load(tiny / folder / 'refs(unc).p') for s in ref['sentences']]
        assert {type(sentence['exist']) for sentence in sentences} == {kind}
        assert len({sentence['sent_id'] for sentence in sentences}) == len(sentences)
        kinds = json.loads((tiny / folder / 'kinds(unc).json').read_text())
        assert set(kinds) == {str(sentence['sent_id']) for sentence in sentences}
        assert all((kinds[str(s['sent_id'])] == 'no_target') == (not s['exist']) for s in sentences)


def test_there_is_no_google_partition(tiny):
    assert {path.name for path in (tiny / 'rrefcocog').glob('refs*')} == {'refs(unc).p'}
    assert {ref['split'] for ref in load(tiny / 'rrefcocog/refs(unc).p')} == {'train', 'val', 'test'}
