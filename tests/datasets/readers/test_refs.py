import numpy as np
import pytest

from mmvg.datasets import DataError, LoadReport
from mmvg.datasets.readers.refs import as_id, as_ids, read_refs, select_split

FILE = 'refs(unc).p'


def tolerant(evaluation: bool = False) -> LoadReport:
    return LoadReport('tolerant', evaluation)


def read(records: list[dict], report: LoadReport, text_field: str = 'raw'):
    return read_refs(records, text_field, FILE, report)


@pytest.mark.parametrize('value', [7, np.int64(7), np.uint8(7)])
def test_integers_are_ids_in_strict_mode(value):
    made = as_id(value, 'ref_id', FILE, 'here', LoadReport('strict', True))
    assert made == 7
    assert type(made) is int


@pytest.mark.parametrize('value', ['7', ' 7 ', 7.0])
def test_a_number_in_another_type_is_converted_in_tolerant_mode_only(value):
    report = tolerant()
    assert as_id(value, 'ref_id', FILE, 'here', report) == 7
    assert report.counts() == {'id not written as an integer': 1}
    with pytest.raises(DataError, match=r"ref_id is .*mode='tolerant'"):
        as_id(value, 'ref_id', FILE, 'here', LoadReport('strict', False))


@pytest.mark.parametrize('value', [None, 'seven', '7.5', 7.5, float('nan'), float('inf'), True, [7], {}])
def test_what_is_no_number_is_no_id(value):
    with pytest.raises(DataError, match='id that is not a number'):
        as_id(value, 'ref_id', FILE, 'here', tolerant())


def test_a_bare_id_and_a_list_of_ids_become_a_tuple():
    assert as_ids(5, 'ann_id', FILE, 'here', tolerant()) == (5,)
    assert as_ids([5, 6], 'ann_id', FILE, 'here', tolerant()) == (5, 6)


def test_a_split_is_selected_by_equality_and_not_by_substring():
    records = [dict(ref_id=i, split=s) for i, s in enumerate(['train', 'testA', 'test', 'testB', 'test'])]
    assert [r['ref_id'] for r in select_split(records, 'test', FILE)] == [2, 4]
    assert [r['ref_id'] for r in select_split(records, 'testA', FILE)] == [1]


def test_an_unknown_split_lists_those_in_the_file():
    records = [dict(split='train'), dict(split='train'), dict(split='val')]
    with pytest.raises(DataError, match=r"no ref of split 'tets'.*train \(2 refs\), val \(1 refs\)"):
        select_split(records, 'tets', FILE)
    with pytest.raises(DataError, match='file is empty'):
        select_split([], 'train', FILE)


@pytest.mark.parametrize('record', ['text', None, [1], {'ref_id': 1}, {'ref_id': 1, 'split': 3}])
def test_an_entry_that_is_no_ref_with_a_split_is_named(record):
    with pytest.raises(DataError, match='entry 1'):
        select_split([dict(split='val'), record], 'val', FILE)


def test_refs_keep_order_ids_and_the_field_asked_for(data_folder):
    refs = read(data_folder.refs[:2], LoadReport('strict', True))
    assert [(r.ref_id, r.image_id, r.ann_ids, r.split) for r in refs] == [
        (101, 1, (11,), 'train'),
        (102, 2, (21,), 'train'),
    ]
    assert refs[0].sentences == [
        dict(sent_id=1001, text='The left dog.'),
        dict(sent_id=1002, text='dog on the left'),
    ]
    cleaned = read(data_folder.refs[:1], LoadReport('strict', True), text_field='sent')
    assert cleaned[0].sentences[0]['text'] == 'the left dog'


@pytest.mark.parametrize('key', ['ref_id', 'image_id', 'ann_id', 'sentences'])
def test_a_ref_without_one_of_its_keys_is_an_error_in_both_modes(data_folder, key):
    del data_folder.refs[0][key]
    with pytest.raises(DataError, match=f'ref without {key}'):
        read(data_folder.refs, tolerant())


@pytest.mark.parametrize('sentence', [{}, 'text', {'sent_id': 5}, {'raw': 'a dog'}, {'sent_id': None, 'raw': 'a'}])
def test_a_sentence_without_id_or_text_field_is_an_error_in_both_modes(data_folder, sentence):
    data_folder.refs[0]['sentences'][1] = sentence
    with pytest.raises(DataError, match='ref_id 101'):
        read(data_folder.refs, tolerant())


def test_sentences_that_are_no_list_are_an_error(data_folder):
    data_folder.refs[0]['sentences'] = 'a dog'
    with pytest.raises(DataError, match='not a list'):
        read(data_folder.refs, tolerant())


def test_a_duplicate_ref_id_raises_except_in_tolerant_training(data_folder):
    data_folder.refs[1]['ref_id'] = 101
    for report in (LoadReport('strict', False), LoadReport('strict', True), tolerant(evaluation=True)):
        with pytest.raises(DataError, match='duplicate ref_id: ref_id 101'):
            read(data_folder.refs, report)
    report = tolerant()
    assert [r.ref_id for r in read(data_folder.refs, report)] == [101, 103, 104]
    assert report.counts() == {'duplicate ref_id': 1}


def test_a_sent_id_twice_in_a_ref_raises_except_in_tolerant_training(data_folder):
    sentences = data_folder.refs[0]['sentences']
    sentences[1]['sent_id'] = sentences[0]['sent_id']
    data_folder.refs[0]['sent_ids'] = [1001]
    for report in (LoadReport('strict', False), tolerant(evaluation=True)):
        with pytest.raises(DataError, match='ref_id 101, sent_id 1001'):
            read(data_folder.refs, report)
    report = tolerant()
    assert read(data_folder.refs, report)[0].sentences == [dict(sent_id=1001, text='The left dog.')]
    assert report.counts() == {'duplicate sent_id in a ref': 1}


def test_a_sent_id_in_two_refs_loses_a_training_sample_but_never_one_of_an_evaluation(data_folder):
    data_folder.refs[1]['sentences'][0]['sent_id'] = 1001
    data_folder.refs[1]['sent_ids'][0] = 1001
    with pytest.raises(DataError, match='sent_id used by two refs: ref_id 102, sent_id 1001'):
        read(data_folder.refs, LoadReport('strict', False))
    report = tolerant()
    assert [s['sent_id'] for s in read(data_folder.refs, report)[1].sentences] == [1004, 1005]
    assert report.counts() == {'sent_id used by two refs': 1}
    assert [s['sent_id'] for s in read(data_folder.refs, tolerant(True))[1].sentences] == [1001, 1004, 1005]


@pytest.mark.parametrize('listed', [[1001], [1001, 1009], [1001, 1002, 1002], []])
def test_sent_ids_that_differ_from_the_sentences_do_not_count(data_folder, listed):
    data_folder.refs[0]['sent_ids'] = listed
    with pytest.raises(DataError, match=r'sent_ids that differ.*\[1001, 1002\]'):
        read(data_folder.refs, LoadReport('strict', False))
    report = tolerant(evaluation=True)
    assert len(read(data_folder.refs, report)[0].sentences) == 2
    assert report.counts() == {'sent_ids that differ from the sentences': 1}


def test_sent_ids_may_be_absent(data_folder):
    del data_folder.refs[0]['sent_ids']
    assert len(read(data_folder.refs, LoadReport('strict', True))) == 4


@pytest.mark.parametrize('evaluation', [False, True])
def test_a_ref_without_sentences_is_counted_and_no_error(data_folder, evaluation):
    data_folder.refs[0].update(sentences=[], sent_ids=[])
    report = LoadReport('strict', evaluation)
    assert read(data_folder.refs, report)[0].sentences == []
    assert report.counts() == {'ref without sentences': 1}


@pytest.mark.parametrize('text', ['', '  ', '\t\n', '...', ' ?! ', '-', '\u00a0', '\u3002'])
def test_an_expression_without_a_word_is_skipped_in_training_and_scored_in_evaluation(data_folder, text):
    data_folder.refs[0]['sentences'][0]['raw'] = text
    for evaluation in (False, True):
        with pytest.raises(DataError, match='expression without a word: ref_id 101, sent_id 1001'):
            read(data_folder.refs, LoadReport('strict', evaluation))
    report = tolerant()
    assert [s['sent_id'] for s in read(data_folder.refs, report)[0].sentences] == [1002]
    assert report.counts() == {'expression without a word': 1}
    kept = read(data_folder.refs, tolerant(evaluation=True))[0].sentences
    assert kept[0] == dict(sent_id=1001, text=text)


@pytest.mark.parametrize('text', ['7', 'é', '狗', 'a.', 'x' * 10_000])
def test_digits_other_scripts_and_long_texts_are_expressions(data_folder, text):
    data_folder.refs[0]['sentences'][0]['raw'] = text
    assert read(data_folder.refs, LoadReport('strict', True))[0].sentences[0]['text'] == text


@pytest.mark.parametrize('text', [None, 7, float('nan'), ['a', 'dog']])
def test_an_expression_that_is_no_string_is_skipped_in_tolerant_training_only(data_folder, text):
    data_folder.refs[0]['sentences'][0]['raw'] = text
    for report in (LoadReport('strict', False), tolerant(evaluation=True)):
        with pytest.raises(DataError, match='not a string: ref_id 101, sent_id 1001'):
            read(data_folder.refs, report)
    report = tolerant()
    assert [s['sent_id'] for s in read(data_folder.refs, report)[0].sentences] == [1002]
    assert report.counts() == {'expression that is not a string': 1}
