import logging
import pickle

import pytest
from mmengine.logging import MMLogger

from mmvg.datasets import DataError, MixedRefCOCODataset
from mmvg.registry import DATASETS

FILES = {'refcoco': 'refs(unc).p', 'refcoco+': 'refs(unc).p', 'refcocog': 'refs(umd).p'}


class Folder:
    """Three sets that share images 1 and 2: 1 is a training image of all, 2 is also in RefCOCOg's val."""

    def __init__(self, data_folder):
        self.data = data_folder
        ref = data_folder.ref
        self.refs = {
            'refcoco': [
                ref(1, 1, 11, {1: 'left dog', 2: 'dog'}),
                ref(2, 2, 21, {3: 'cat'}),
                ref(3, 3, 31, {4: 'bus'}, split='testA'),
            ],
            'refcoco+': [ref(1, 1, 11, {1: 'brown dog'}), ref(2, 1, 12, {2: 'black dog'})],
            'refcocog': [
                ref(1, 1, 11, {1: 'the dog on the left'}),
                ref(2, 2, 22, {2: 'the cat on the mat'}, split='val'),
            ],
        }

    def write(self):
        root = self.data.write()
        for name, file in FILES.items():
            (root / name).mkdir(exist_ok=True)
            if name != 'refcoco':
                (root / name / 'instances.json').write_bytes((root / 'refcoco/instances.json').read_bytes())
            (root / name / file).write_bytes(pickle.dumps(self.refs[name], protocol=2))
        return root


@pytest.fixture
def folder(data_folder):
    return Folder(data_folder)


@pytest.fixture
def logged(caplog):
    """What mmengine's current logger says."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def made(root, **changes):
    return MixedRefCOCODataset(data_root=str(root), serialize_data=False, **changes)


def ids(dataset):
    return [(item['dataset'], item['ref_id'], len(item['sentences'])) for item in dataset]


KEPT = [('refcoco', 1, 2), ('refcoco', 2, 1), ('refcoco+', 1, 1), ('refcoco+', 2, 1), ('refcocog', 1, 1)]
DROPPED = [('refcoco', 1, 2), ('refcoco+', 1, 1), ('refcoco+', 2, 1), ('refcocog', 1, 1)]


def test_images_of_any_evaluation_split_of_any_set_are_dropped_by_default(folder):
    assert ids(made(folder.write())) == DROPPED


def test_leakage_can_be_kept_as_instancevg_did(folder):
    assert ids(made(folder.write(), leakage='keep')) == KEPT


@pytest.mark.parametrize(
    ('leakage', 'level', 'rest'),
    [('drop', logging.INFO, '4 refs and 5 expressions remain'), ('keep', logging.WARNING, '5 refs and 6 expressions')],
)
def test_the_log_says_how_many_refs_leak_from_where(folder, logged, leakage, level, rest):
    made(folder.write(), leakage=leakage)
    (record,) = (record for record in logged.records if 'evaluation split' in record.getMessage())
    assert record.levelno == level
    assert '1 of 2 in refcoco, 0 of 2 in refcoco+, 0 of 1 in refcocog' in record.getMessage()
    assert rest in record.getMessage()


def test_an_item_per_sentence_on_demand(folder):
    dataset = made(folder.write(), sentence_mode='all')
    assert [(item['dataset'], item['text']) for item in dataset] == [
        ('refcoco', 'left dog'),
        ('refcoco', 'dog'),
        ('refcoco+', 'brown dog'),
        ('refcoco+', 'black dog'),
        ('refcocog', 'the dog on the left'),
    ]


def test_the_same_annotation_stays_in_every_set(folder):
    annotations = [item['instances'][0]['ann_id'] for item in made(folder.write())]
    assert annotations == [11, 11, 12, 11]


def test_sources_can_be_chosen_and_only_theirs_are_looked_at(folder):
    sources = [('refcoco', 'unc'), ('refcoco+', 'unc')]
    assert ids(made(folder.write(), sources=sources)) == KEPT[:4]


def test_defects_of_all_sources_are_counted_together(folder):
    for name in ('refcoco', 'refcocog'):
        folder.refs[name][0]['sentences'].append(dict(sent_id=9, raw='...', sent=''))
        folder.refs[name][0]['sent_ids'].append(9)
    dataset = made(folder.write(), mode='tolerant')
    assert dataset.load_report.counts() == {'expression without a word': 2}
    with pytest.raises(DataError, match='expression without a word'):
        made(folder.data.root)


def test_nothing_left_is_an_error(folder):
    for refs in folder.refs.values():
        for ref in refs:
            if ref['split'] == 'train':
                ref.update(image_id=2, ann_id=21)
    with pytest.raises(DataError, match='every training image is in an evaluation split'):
        made(folder.write())


def test_missing_files_of_any_source_are_named_at_once(folder):
    root = folder.write()
    (root / 'refcoco+/refs(unc).p').unlink()
    (root / 'refcocog/instances.json').unlink()
    with pytest.raises(FileNotFoundError, match=r'(?s)refcoco\+/refs\(unc\)\.p.*refcocog/instances\.json'):
        made(root)


def test_an_unknown_switch_is_an_error(folder):
    with pytest.raises(ValueError, match='some'):
        made(folder.write(), leakage='some')


def test_the_registry_builds_it_from_a_config(folder):
    dataset = DATASETS.build(dict(type='MixedRefCOCODataset', data_root=str(folder.write())))
    assert dataset.metainfo == dict(dataset='refcoco_mixed', split='train')
    assert len(dataset) == 4
