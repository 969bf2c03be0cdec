import json
import pickle
from collections import Counter

import pytest

from mmvg.datasets import DataError, GRefCOCODataset, RRefDataset
from mmvg.datasets.writers import Written, write_grefcoco, write_json_lines
from mmvg.datasets.writers.written import expressions_of
from mmvg.registry import DATASETS


def marked(ref, exist):
    """``ref`` with ``exist`` per sentence; None leaves it out."""
    for sentence, value in zip(ref['sentences'], exist, strict=True):
        if value is not None:
            sentence['exist'] = value
    return ref


class Folder:
    """An R-RefCOCO folder beside the small data folder, whose refs a test may change before :meth:`write`."""

    def __init__(self, data_folder):
        self.data = data_folder
        ref = data_folder.ref
        self.refs = [
            marked(ref(1, 1, 11, {11: 'The dog.', 12: 'a horse', 13: 'left dog'}), [True, False, None]),
            marked(ref(2, 2, 21, {14: 'cat', 15: 'red car'}), [1, 0]),
            marked(ref(3, 1, 12, {16: 'big dog', 17: 'a cat', 18: 'a bus'}, split='val'), [1, 0, 0]),
        ]

    def write(self, folder='rrefcoco', name='refs(unc).p'):
        root = self.data.write()
        (root / 'refcoco').rename(root / folder)
        (root / folder / 'refs(unc).p').unlink()
        (root / folder / name).write_bytes(pickle.dumps(self.refs, protocol=2))
        return root


@pytest.fixture
def folder(data_folder):
    return Folder(data_folder)


def made(root, split='train', dataset='rrefcoco', **changes):
    return RRefDataset(dataset, split, data_root=str(root), serialize_data=False, **changes)


def test_sentences_of_a_ref_follow_one_another_and_negative_ones_have_no_target(folder):
    dataset = made(folder.write())
    assert [
        (item['ref_id'], item['text'], item['no_target'], [i['ann_id'] for i in item['instances']]) for item in dataset
    ] == [
        (1, 'The dog.', False, [11]),
        (1, 'a horse', True, []),
        (1, 'left dog', False, [11]),
        (2, 'cat', False, [21]),
        (2, 'red car', True, []),
    ]
    val = made(folder.data.root, 'val')
    assert [(item['ref_id'], item['no_target']) for item in val] == [(3, False), (3, True), (3, True)]
    info = dataset.get_data_info(1)
    assert info['no_target']
    assert info['sentences'] == [dict(sent_id=12, text='a horse', exist=False)]


def test_random_mode_draws_positive_and_negative_sentences_alike(folder):
    dataset = made(folder.write(), sentence_mode='random')
    assert len(dataset) == 2
    drawn = Counter(
        (item['text'], item['no_target'], len(item['instances'])) for item in (dataset[0] for _ in range(300))
    )
    assert set(drawn) == {('The dog.', False, 1), ('a horse', True, 0), ('left dog', False, 1)}
    assert min(drawn.values()) > 60  # 100 expected of each; five standard deviations are 41
    assert dataset.get_data_info(0)['instances']  # a negative draw leaves the item as it was


@pytest.mark.parametrize('sentence_mode', ['all', 'random'])
def test_negative_sentences_stay_negative_in_every_written_file(folder, sentence_mode):
    root = folder.write()
    dataset = made(root, sentence_mode=sentence_mode)
    wanted = {'The dog.': 1, 'a horse': 0, 'left dog': 1, 'cat': 1, 'red car': 0}

    assert write_json_lines(dataset, root / 'lines.jsonl', 'train') == 5
    lines = [json.loads(line) for line in (root / 'lines.jsonl').read_text().splitlines()]
    assert {line['expression']: len(line['boxes']) for line in lines} == wanted
    assert all(line['no_target'] == (not line['boxes']) for line in lines)

    assert write_grefcoco(dict(train=dataset), root / 'grefcoco') == 5
    written = GRefCOCODataset('train', data_root=str(root), serialize_data=False)
    assert {item['text']: len(item['instances']) for item in written} == wanted
    assert len({item['ref_id'] for item in written}) == 4  # sentences about one object stay one ref
    assert all(item['no_target'] == (not item['instances']) for item in written)

    of_others = expressions_of(dataset, Written(), frozenset())
    assert {sentence['text']: len(item['instances']) for _, item, sentence in of_others} == wanted


@pytest.mark.parametrize('exist', ['yes', 2, None, 1.0, [], float('nan')])
def test_exist_is_true_or_false(folder, exist):
    folder.refs[0]['sentences'][1]['exist'] = exist
    with pytest.raises(DataError, match=r'exist that is neither true nor false.*ref_id 1, sent_id 12'):
        made(folder.write(), mode='tolerant')


def test_a_ref_without_its_annotation_keeps_its_negative_sentences_in_training(folder):
    folder.refs[1]['ann_id'] = folder.refs[2]['ann_id'] = 99
    root = folder.write()
    with pytest.raises(DataError, match=r'ref whose annotation does not exist.*ref_id 2, ann_id 99'):
        made(root)
    dataset = made(root, mode='tolerant')
    assert [(item['text'], item['no_target']) for item in dataset][3:] == [('red car', True)]
    assert dataset.load_report.counts() == {'ref whose annotation does not exist': 1}
    with pytest.raises(DataError, match='no sample may be missing'):
        made(root, 'val', mode='tolerant')


def test_a_ref_of_negative_sentences_needs_no_annotation(folder):
    marked(folder.refs[2], [0, 0, 0])['ann_id'] = 99
    dataset = made(folder.write(), 'val')
    assert [item['no_target'] for item in dataset] == [True] * 3
    assert dataset.load_report.counts() == {'ref whose annotation does not exist': 1}


@pytest.mark.parametrize('ann_id', [-1, [-1], [11, 12], []])
def test_a_ref_has_exactly_one_annotation(folder, ann_id):
    folder.refs[0]['ann_id'] = ann_id
    with pytest.raises(DataError, match='not exactly one target: ref_id 1'):
        made(folder.write(), mode='tolerant')


@pytest.mark.parametrize(
    ('dataset', 'split_by', 'name'), [('rrefcoco+', 'unc', 'refs(unc).p'), ('rrefcocog', 'umd', 'refs(umd).p')]
)
def test_files_are_found_by_dataset_and_split_by(folder, dataset, split_by, name):
    root = folder.write(dataset, name)
    assert {item['dataset'] for item in made(root, 'val', dataset, split_by=split_by)} == {dataset}


def test_the_error_about_a_missing_pickle_lists_those_there(folder):
    root = folder.write('rrefcocog', 'refs(umd).p')
    with pytest.raises(FileNotFoundError, match=r'refs\(unc\)\.p.*holds instances\.json, refs\(umd\)\.p'):
        made(root, dataset='rrefcocog')


def test_an_unknown_dataset_is_an_error(tmp_path):
    with pytest.raises(ValueError, match='refcoco'):
        made(tmp_path, dataset='refcoco')


def test_the_registry_builds_it_from_a_config(folder):
    config = dict(type='RRefDataset', dataset='rrefcoco', split='val', data_root=str(folder.write()))
    assert DATASETS.build(config).metainfo == dict(dataset='rrefcoco', split='val')
