"""Packed pictures are checked as they lie: that the pack is whole, and that every file in it is a picture."""

import json

import numpy as np
import pytest
from PIL import Image

from mmvg.cli import main
from mmvg.data_check import check_folder
from mmvg.datasets.readers import pack_pictures
from mmvg.datasets.readers.lmdb_files import write_lmdb

NAMES = [f'images/{number}.png' for number in range(3)]
PLACES = dict(lmdb='o3.lmdb', webdataset='o3')


@pytest.fixture
def root(tmp_path):
    (tmp_path / 'images').mkdir()
    for name in NAMES:
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)).save(tmp_path / name)
    return tmp_path


def problems(pack, **options):
    return [error.problem for error in check_folder(pack, **options).report.errors]


@pytest.mark.parametrize(
    ('to', 'target'), [('lmdb', 'o3.lmdb'), ('webdataset', 'o3'), ('webdataset', 'o3/pictures-000000.tar')]
)
def test_a_sound_pack_is_counted_whichever_way_it_is_named(to, target, root):
    pack_pictures(root / PLACES[to], root, NAMES, to)
    result = check_folder(root / target)
    assert result.report.errors == []
    assert [tuple(row) for row in result.counts] == [('pictures', PLACES[to], '', 0, 0, 0, 3)]


@pytest.mark.parametrize('to', PLACES)
def test_a_picture_that_does_not_decode_is_named(to, root):
    (root / NAMES[1]).write_bytes((root / NAMES[1]).read_bytes()[:700])
    pack_pictures(root / PLACES[to], root, NAMES, to)
    (error,) = check_folder(root / PLACES[to]).report.errors
    assert error.problem.startswith('image that cannot be decoded')
    assert error.record == NAMES[1]
    assert problems(root / PLACES[to], decode=False) == []


def test_a_damaged_pack_is_a_finding_with_its_cure(root, capsys):
    pack = root / 'o3'
    pack_pictures(pack, root, NAMES, 'webdataset')
    index = json.loads((pack / 'index.json').read_text())
    names = np.load(pack / 'names.npy')
    np.save(pack / 'names.npy', names[::-1])
    assert problems(pack)[0] == 'damaged pack: names that are not in order, by which they are found'
    (pack / 'index.json').write_text(json.dumps(dict(index, pictures=4)))
    assert 'not those of 4 pictures' in problems(pack)[0]
    (pack / 'index.json').unlink()
    with pytest.raises(SystemExit) as end:
        main(['data', 'check', str(pack)])
    assert end.value.code == 1
    assert 'pack the pictures again' in capsys.readouterr().out


def test_an_lmdb_file_that_is_cut_off_or_of_something_else_is_a_finding(root):
    meta = dict(version=1, kind='pictures', pictures=3)
    write_lmdb(
        root / 'few.lmdb',
        [('img:a.png', (root / NAMES[0]).read_bytes()), ('__meta__', json.dumps(meta).encode())],
        999,
        2,
    )
    assert problems(root / 'few.lmdb') == ['damaged pack: 1 pictures, and 3 are announced']
    write_lmdb(root / 'other.lmdb', [('__meta__', b'{"split": "none"}')], 99, 1)
    assert 'holds no pictures of layout 1' in problems(root / 'other.lmdb')[0]
    (root / 'cut.lmdb').write_bytes((root / 'few.lmdb').read_bytes()[:5000])
    assert problems(root / 'cut.lmdb')[0].startswith('damaged pack')
    with pytest.raises(FileNotFoundError, match='is not there'):
        check_folder(root / 'gone.lmdb')


def test_what_may_not_be_replaced_is_said_before_anything_is_read(root, capsys):
    (root / 'mine.jsonl').write_text('{}')
    for words in (['--to', 'lmdb'], ['--to', 'webdataset'], ['--split', 'val']):
        for out, message in (('mine.jsonl', 'could be replaced; name another place'), ('mine.jsonl/x', 'not a folder')):
            with pytest.raises(SystemExit) as end:
                main(['data', 'pack', str(root / 'gone'), *words, '--out', str(root / out), '--force'])
            assert end.value.code == 2
            assert message in capsys.readouterr().err


def test_phrasecut_with_its_annotations_is_checked_through_its_reader(refshapes_tiny, tmp_path):
    main(['data', 'pack', str(refshapes_tiny), '--split', 'miniv', '--out', str(tmp_path / 'miniv.lmdb')])
    result, alone = check_folder(tmp_path / 'miniv.lmdb'), check_folder(refshapes_tiny, only=['VGPhraseCut_v0'])
    assert result.report.errors == []
    (row,) = result.counts
    assert row[3:] == next(other for other in alone.counts if other.split == 'miniv')[3:]
