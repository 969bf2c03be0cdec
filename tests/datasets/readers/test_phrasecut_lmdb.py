import json
import runpy
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from torch.utils.data import DataLoader

from mmvg.datasets import DataError, PhraseCutDataset
from mmvg.datasets.readers.phrasecut_lmdb import PhraseCutLMDB, write_phrasecut_lmdb
from mmvg.datasets.transforms import LoadGroundingAnnotations, LoadImage
from mmvg.engine.hooks.grounding_visualization_hook import sample_image
from mmvg.structures import GroundingSample

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope='module')
def drawn(refshapes_tiny):
    return refshapes_tiny


def made(root, split='train', **changes):
    return PhraseCutDataset(split, data_root=str(root), serialize_data=False, **changes)


def pack(root, split, out, **changes):
    files = made(root, split)
    return write_phrasecut_lmdb(out, split, files.task_files, files.files['images'], files.image_folder, **changes)


@pytest.fixture(scope='module')
def packed(drawn, tmp_path_factory):
    """A folder with nothing but the packed splits."""
    folder = tmp_path_factory.mktemp('packed')
    for split in ('train', 'val_miniv'):
        pack(drawn, split, folder / f'{split}.lmdb')
    return folder


@pytest.mark.parametrize('split', ['train', 'val_miniv'])
def test_items_are_those_of_the_files_and_images_are_the_same_bytes(split, drawn, packed):
    plain, dense = made(drawn, split), made(packed, split, lmdb_file=f'{split}.lmdb')
    assert len(dense) == len(plain)
    for i in range(len(plain)):
        expected, item = plain.get_data_info(i), dense.get_data_info(i)
        assert item.pop('img_bytes') == Path(expected['img_path']).read_bytes()
        assert Path(item.pop('img_path')).name == Path(expected.pop('img_path')).name
        assert item == expected


def test_an_image_is_stored_once_and_no_value_is_a_pickle(drawn, packed, tmp_path):
    import lmdb

    copy = shutil.copy(packed / 'train.lmdb', tmp_path)  # the file itself may be open already
    with lmdb.open(copy, subdir=False, readonly=True, lock=False) as environment, environment.begin() as transaction:
        content = {bytes(key).decode(): bytes(value) for key, value in transaction.cursor()}
    tasks = json.loads((drawn / 'VGPhraseCut_v0/refer_train.json').read_text())
    images = {task['image_id'] for task in tasks}
    assert set(content) == {f'img:{i}' for i in images} | {f'task:{i}' for i in range(len(tasks))} | {'__meta__'}
    meta = json.loads(content['__meta__'])
    assert (meta['split'], meta['tasks'], meta['images']) == ('train', len(tasks), len(images))
    assert set(meta['sources']) == {'refer_train.json', 'image_data_split3000.json'}
    for i, task in enumerate(tasks):
        record = json.loads(content[f'task:{i}'])
        assert len(record.pop('image_size')) == 2
        assert record == {key: task[key] for key in record}
    for image in images:
        assert cv2.imdecode(np.frombuffer(content[f'img:{image}'], np.uint8), cv2.IMREAD_COLOR) is not None


def test_samples_leave_the_pipeline_alike_in_this_process_and_in_workers(drawn, packed):
    steps = [LoadImage(), LoadGroundingAnnotations()]
    plain = made(drawn, pipeline=steps, indices=12)
    dense = made(packed, lmdb_file='train.lmdb', pipeline=steps, indices=12)
    here = [dense[i] for i in range(12)]  # the file is open in this process before the workers are forked
    there = DataLoader(dense, batch_size=None, num_workers=2, collate_fn=lambda sample: sample)
    for expected, *found in zip([plain[i] for i in range(12)], here, there, strict=True):
        for sample in found:
            assert 'img_bytes' not in sample
            assert np.array_equal(sample['img'], expected['img'])
            assert np.array_equal(sample['gt_masks'].masks, expected['gt_masks'].masks)
            assert sample['ori_shape'] == expected['ori_shape']


def test_a_damaged_image_is_named_or_skipped_like_a_damaged_file(drawn, packed):
    item = made(packed, lmdb_file='train.lmdb').get_data_info(0)
    item['img_bytes'] = item['img_bytes'][:10]
    with pytest.raises(ValueError, match='cannot be decoded'):
        LoadImage()(dict(item))
    assert LoadImage(bad_image='skip')(dict(item)) is None


def test_predictions_are_drawn_on_the_packed_image(drawn, packed):
    plain, dense = made(drawn), made(packed, lmdb_file='train.lmdb')
    item = plain.get_data_info(3)
    expected = cv2.imread(item['img_path'])[..., ::-1]
    for dataset, path in ((plain, item['img_path']), (dense, 'not there')):
        sample = GroundingSample(metainfo=dict(img_path=path, img_id=item['img_id']))
        assert np.array_equal(sample_image(dataset, sample), expected)


def test_the_wrong_file_is_an_error_that_says_what_it_is(drawn, packed, tmp_path):
    with pytest.raises(DataError, match=r"holds the split 'train', not 'test'"):
        made(packed, 'test', lmdb_file='train.lmdb')
    with pytest.raises(FileNotFoundError, match=r'nowhere\.lmdb is not there; make it with `mmvg data pack'):
        made(packed, lmdb_file='nowhere.lmdb')
    with pytest.raises(ValueError, match='no ann_file'):
        made(packed, lmdb_file='train.lmdb', ann_file='x.json')
    (tmp_path / 'foreign.lmdb').write_bytes(b'not a database' * 1000)
    with pytest.raises(DataError, match='not a whole LMDB file'):
        made(tmp_path, lmdb_file='foreign.lmdb')
    with pytest.raises(DataError, match="has no 'img:-1'"):
        PhraseCutLMDB(packed / 'train.lmdb').image(-1)


def test_packing_never_leaves_half_a_file_nor_overwrites_one(drawn, tmp_path):
    out = tmp_path / 'deep/val.lmdb'
    tasks, images = pack(drawn, 'val', out)
    assert (tasks, images) == (len(made(drawn, 'val')), len({item['img_id'] for item in made(drawn, 'val')}))
    with pytest.raises(FileExistsError, match='--force'):
        pack(drawn, 'val', out)
    assert pack(drawn, 'val', out, force=True) == (tasks, images)
    assert [file.name for file in out.parent.iterdir()] == ['val.lmdb']

    files = made(drawn, 'miniv')
    with pytest.raises(DataError, match=r'images are missing, such as .*\.jpg'):
        write_phrasecut_lmdb(tmp_path / 'x.lmdb', 'miniv', files.task_files, files.files['images'], tmp_path)
    assert not (tmp_path / 'x.lmdb').exists()


def test_the_command_packs_and_a_run_without_the_package_says_what_to_install(drawn, tmp_path, monkeypatch, capsys):
    command = ['data.py', 'pack', str(drawn), '--split', 'miniv', '--out', str(tmp_path / 'miniv.lmdb')]
    monkeypatch.setattr(sys, 'argv', command)
    runpy.run_path(str(ROOT / 'tools/data.py'), run_name='__main__')
    assert f'{len(made(drawn, "miniv"))} tasks' in capsys.readouterr().out
    assert len(made(tmp_path, 'miniv', lmdb_file='miniv.lmdb')) == len(made(drawn, 'miniv'))

    monkeypatch.setitem(sys.modules, 'lmdb', None)
    with pytest.raises(ImportError, match='pip install lmdb'):
        made(tmp_path, 'miniv', lmdb_file='miniv.lmdb')
