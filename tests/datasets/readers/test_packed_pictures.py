"""Packed pictures are the files, in any order and in any process, and every data set reads them."""

import json
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset
from shipped_configs import step_with

from mmvg.apis import load_config
from mmvg.cli import main
from mmvg.datasets import RefCOCODataset
from mmvg.datasets.readers import DataError, PackedPictures, pack_pictures
from mmvg.registry import DATASETS

CONFIGS = ['instancevg', 'lavt', 'cris', 'lggd', 'magnet']


@pytest.fixture
def pictures(tmp_path):
    """Twenty small files with the names of pictures, in two folders."""
    names = [f'{folder}/{number}.a b.jpg' for folder in ('a', 'b/c') for number in range(10)]
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes([number]) * (number * 100))
    return names


@pytest.mark.parametrize('to', ['lmdb', 'webdataset'])
def test_what_is_packed_is_read_in_any_order(to, pictures, tmp_path):
    out = tmp_path / f'out/{to}'
    assert pack_pictures(out, tmp_path, pictures, to, tar_bytes=4000) == 20
    packed = pickle.loads(pickle.dumps(PackedPictures(out)))
    for name in [*reversed(pictures), pictures[7]]:
        assert packed.read(name) == (tmp_path / name).read_bytes(), name
    assert len(packed) == 20
    assert pictures[3] in packed
    assert 'a/none.jpg' not in packed
    assert f'a/{"x" * 600}' not in packed
    with pytest.raises(DataError, match=r'none\.jpg'):
        packed.read('a/none.jpg')


def test_tars_are_those_of_webdataset(pictures, tmp_path):
    """Bounded in size, of plain files, in the order of their names."""
    pack_pictures(tmp_path / 'out', tmp_path, pictures, 'webdataset', tar_bytes=8000)
    tars = sorted((tmp_path / 'out').glob('*.tar'))
    assert len(tars) > 1
    found = []
    for file in tars:
        with tarfile.open(file) as tar:
            found += [(entry.name, tar.extractfile(entry).read()) for entry in tar]
    assert found == [(name, (tmp_path / name).read_bytes()) for name in sorted(pictures)]


@pytest.mark.parametrize('to', ['lmdb', 'webdataset'])
def test_a_pack_that_is_there_is_kept_and_a_missing_picture_named(to, pictures, tmp_path):
    out = tmp_path / 'out'
    pack_pictures(out, tmp_path, pictures[:3], to)
    with pytest.raises(FileExistsError, match='use --force'):
        pack_pictures(out, tmp_path, pictures, to)
    assert len(PackedPictures(out)) == 3
    assert pack_pictures(out, tmp_path, pictures[:4], to, force=True) == len(PackedPictures(out)) == 4
    with pytest.raises(DataError, match=r'1 of 2 pictures are missing, such as .*gone\.jpg'):
        pack_pictures(tmp_path / 'other', tmp_path, [pictures[0], 'gone.jpg'], to)
    with pytest.raises(DataError, match='there are no pictures'):
        pack_pictures(tmp_path / 'other', tmp_path, [], to)
    assert not (tmp_path / 'other').exists()


@pytest.mark.parametrize('to', ['lmdb', 'webdataset'])
def test_nothing_but_a_pack_of_the_kind_is_replaced(to, pictures, tmp_path, monkeypatch):
    """Not the pictures themselves, an annotation file, or the folder that somebody works in."""
    other = 'webdataset' if to == 'lmdb' else 'lmdb'
    pack_pictures(tmp_path / 'other', tmp_path, pictures, other)
    (tmp_path / 'mine.jsonl').write_text('{}')
    (tmp_path / 'empty').mkdir()
    monkeypatch.chdir(tmp_path / 'empty')
    before = sorted(tmp_path.rglob('*'))
    for out in (tmp_path, tmp_path / 'a', tmp_path / 'mine.jsonl', tmp_path / 'other', Path('.'), Path('..')):
        for force in (True, False):
            with pytest.raises(FileExistsError, match=r'is no .* that could be replaced; name another place'):
                pack_pictures(out, tmp_path, pictures, to, force=force)
    assert sorted(tmp_path.rglob('*')) == before


def test_damaged_packs_and_those_behind_a_link_are_replaced(pictures, tmp_path):
    (tmp_path / 'cut.lmdb').write_bytes(b'no')
    pack_pictures(tmp_path / 'tars', tmp_path, pictures, 'webdataset')
    (tmp_path / 'tars/index.json').unlink()
    (tmp_path / 'link').symlink_to('tars')
    for out, to in ((tmp_path / 'cut.lmdb', 'lmdb'), (tmp_path / 'link', 'webdataset')):
        pack_pictures(out, tmp_path, pictures, to, force=True)
        assert len(PackedPictures(out)) == 20
    assert (tmp_path / 'link').is_symlink()


@pytest.mark.parametrize('to', ['lmdb', 'webdataset'])
def test_an_error_on_the_way_leaves_the_pack_that_was_there_and_nothing_else(to, pictures, tmp_path, monkeypatch):
    out = tmp_path / 'out/pack'
    pack_pictures(out, tmp_path, pictures[:3], to)
    (tmp_path / 'out/pack.unfinished').mkdir()  # of the user

    def disk_full(*_):
        raise OSError('no space left')

    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, 'addfile', disk_full)
        patch.setattr(Path, 'read_bytes', disk_full)
        with pytest.raises(OSError, match='no space left'):
            pack_pictures(out, tmp_path, pictures, to, force=True)
    assert len(PackedPictures(out)) == 3
    assert sorted(file.name for file in (tmp_path / 'out').iterdir()) == ['pack', 'pack.unfinished']


def test_a_damaged_folder_of_tars_is_refused(pictures, tmp_path):
    out = tmp_path / 'out'
    pack_pictures(out, tmp_path, pictures, 'webdataset')
    names = np.load(out / 'names.npy')
    np.save(out / 'names.npy', names[:5])
    with pytest.raises(DataError, match='not those of 20 pictures'):
        PackedPictures(out).read(pictures[0])
    tar = out / 'pictures-000000.tar'
    tar.write_bytes(tar.read_bytes()[:2000])
    with pytest.raises(DataError, match=r'pictures-000000\.tar is not there, or has not'):
        PackedPictures(out)
    (out / 'index.json').write_text('{"version": 7}')
    with pytest.raises(DataError, match='holds no pictures of layout 1'):
        PackedPictures(out)


def tars_of(value):
    return lambda out: (out / 'index.json').write_text(json.dumps(dict(version=1, pictures=20, tars=value)))


def place_of(column, value):
    def damage(out):
        places = np.load(out / 'places.npy')
        places[:, column] = value
        np.save(out / 'places.npy', places)

    return damage


@pytest.mark.parametrize(
    ('damage', 'named'),
    [
        (tars_of(None), 'index.json'),
        (tars_of(['pictures-000000.tar']), 'index.json'),
        (tars_of({'pictures-000000.tar': '9'}), 'index.json'),
        (tars_of({'../pictures-000000.tar': 9}), 'index.json'),
        (tars_of({}), 'places.npy'),
        (lambda out: (out / 'index.json').unlink(), 'index.json'),
        (place_of(0, -1), 'places.npy'),
        (place_of(0, 1), 'places.npy'),
        (place_of(1, -9), 'places.npy'),
        (place_of(2, -9), 'places.npy'),
        (place_of(2, 2**62), 'places.npy'),
        (place_of(1, 2**63 - 1), 'places.npy'),
        (lambda out: np.save(out / 'places.npy', np.zeros((20, 3))), 'places.npy'),
        (lambda out: (out / 'places.npy').unlink(), 'places.npy'),
        (lambda out: (out / 'names.npy').write_bytes(b''), 'names.npy'),
        (lambda out: (out / 'names.npy').write_bytes((out / 'names.npy').read_bytes()[:200]), 'names.npy'),
        (lambda out: np.save(out / 'names.npy', np.array([{}] * 20)), 'names.npy'),
        (lambda out: np.savez((out / 'names.npy').open('wb'), a=np.zeros(20)), 'names.npy'),
    ],
)
def test_a_damaged_or_foreign_index_is_refused_by_its_name(damage, named, pictures, tmp_path):
    out = tmp_path / 'out'
    pack_pictures(out, tmp_path, pictures, 'webdataset')
    damage(out)
    with pytest.raises(DataError, match=f'{named}.*pack it again'):
        PackedPictures(out).read(pictures[0])


def test_an_lmdb_file_of_something_else_is_refused(pictures, tmp_path):
    (tmp_path / 'x.lmdb').write_bytes(b'no')
    with pytest.raises(DataError, match=r'not a whole LMDB file|has 2 bytes'):
        PackedPictures(tmp_path / 'x.lmdb')
    with pytest.raises(FileNotFoundError, match='mmvg data pack'):
        PackedPictures(tmp_path / 'y.lmdb')


@pytest.fixture(scope='module')
def packs(refshapes_tiny, tmp_path_factory):
    """The pictures of RefShapes, packed in both ways by the command."""
    folder = tmp_path_factory.mktemp('packs')
    for to in ('lmdb', 'webdataset'):
        main(['data', 'pack', str(refshapes_tiny), '--to', to, '--out', str(folder / to)])
    return folder


@pytest.mark.parametrize('system', CONFIGS)
@pytest.mark.parametrize('to', ['lmdb', 'webdataset'])
def test_a_data_set_gives_the_same_items(to, system, packs, refshapes_tiny):
    """Of RefCOCO, gRefCOCO, PhraseCut and OCID-VLG, through their pipelines."""
    folder = 'ocid_vlg' if system == 'lggd' else ''
    cfg = load_config(f'{system}/tiny').test_dataloader.dataset
    cfg.data_root = str(refshapes_tiny / folder)
    tokenize = step_with('tokenizer', cfg.pipeline)
    if len(tokenize.tokenizer) > 1:
        tokenize.tokenizer = dict(type='mmvg.WordTokenizer', vocab_file=str(refshapes_tiny / 'vocab.txt'))
    plain = DATASETS.build(cfg)
    path = packs / to
    if folder:
        path = packs / f'{to}_{folder}'
        main(['data', 'pack', cfg.data_root, '--to', to, '--out', str(path), '--force'])
    packed = DATASETS.build(dict(cfg, pictures=str(path)))
    assert packed.pictures is not None
    for index in (0, len(plain) - 1):
        assert torch.equal(packed[index]['inputs'], plain[index]['inputs'])
        assert packed[index]['data_samples'].img_path == plain[index]['data_samples'].img_path


def test_the_image_folder_need_not_be_there(packs, refshapes_tiny, tmp_path):
    for entry in ('refcoco', 'vocab.txt'):
        (tmp_path / entry).symlink_to(refshapes_tiny / entry)
    with pytest.raises(FileNotFoundError, match='the images in the folder'):
        RefCOCODataset('refcoco', 'val', data_root=str(tmp_path))
    dataset = RefCOCODataset(
        'refcoco', 'val', data_root=str(tmp_path), pictures=str(packs / 'webdataset'), check_images=True
    )
    assert len(dataset) == len(RefCOCODataset('refcoco', 'val', data_root=str(refshapes_tiny)))


def test_workers_read_the_same(packs, refshapes_tiny):
    for to in ('lmdb', 'webdataset'):
        dataset = RefCOCODataset(
            'refcoco',
            'val',
            data_root=str(refshapes_tiny),
            pictures=str(packs / to),
            pipeline=[lambda item: item['img_bytes']],
        )
        expected = [dataset[index] for index in range(6)]
        loader = torch.utils.data.DataLoader(
            ConcatDataset([dataset]), num_workers=2, collate_fn=list, batch_size=1, sampler=[5, 0, 3, 1]
        )
        assert [batch[0] for batch in loader] == [expected[index] for index in (5, 0, 3, 1)]


def packed_by_command(*words):
    main(['data', 'pack', *map(str, words), '--to', 'webdataset', '--force'])


def names_in(out):
    return [name.decode() for name in np.load(out / 'names.npy')]


def test_pictures_behind_links_to_folders_are_packed_once_for_each_name(pictures, tmp_path):
    root = tmp_path / 'root'
    root.mkdir()
    (root / 'linked').symlink_to(tmp_path / 'b')
    (root / 'again').symlink_to(tmp_path / 'b/c')
    (tmp_path / 'b/c/up').symlink_to(tmp_path / 'b')
    (tmp_path / 'b/c/round').symlink_to(root)
    packed_by_command(root, '--out', tmp_path / 'out')
    below = [name.removeprefix('b/c/') for name in pictures if name.startswith('b/c/')]
    assert set(names_in(tmp_path / 'out')) >= {f'{folder}/{name}' for folder in ('again', 'linked/c') for name in below}
    assert not any('up/' in name or 'round/' in name for name in names_in(tmp_path / 'out'))


def test_the_folder_of_pictures_is_named_in_any_way_and_lies_below_the_root(pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path.parent)
    expected = [name for name in pictures if name.startswith('a/')]
    for root, images in (
        (tmp_path.name, tmp_path / 'a'),
        (tmp_path, 'b/../a'),
        (f'{tmp_path.name}/b/..', './a/'),
    ):
        packed_by_command(root, '--images', images, '--out', tmp_path / 'out')
        assert names_in(tmp_path / 'out') == sorted(expected)
    for wrong in (['--images', '../b'], ['--images', tmp_path / 'b']):
        with pytest.raises(SystemExit):
            packed_by_command(tmp_path / 'a', *wrong, '--out', tmp_path / 'other')
        assert f'--images {wrong[1]} is not below' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(['data', 'pack', str(tmp_path), '--split', 'val', '--images', 'a'])
    assert '--images a means nothing' in capsys.readouterr().err


def test_a_command_without_a_way_says_which_there_are(refshapes_tiny, capsys):
    with pytest.raises(SystemExit) as end:
        main(['data', 'pack', str(refshapes_tiny)])
    assert end.value.code == 2
    assert '--to lmdb' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(['data', 'pack', str(refshapes_tiny), '--to', 'zip'])
    assert 'lmdb' in capsys.readouterr().err
