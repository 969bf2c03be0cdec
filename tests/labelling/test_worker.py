"""A worker in this process: pictures of a shard, good and broken ones."""

import json
import pickle
import shutil
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from pyarrow import parquet

from mmvg.apis import GroundingInferencer
from mmvg.apis.model_index import weights_of
from mmvg.cli import main
from mmvg.labelling import local
from mmvg.labelling.entries import list_entries
from mmvg.labelling.label import weights_hash
from mmvg.labelling.local import _device
from mmvg.labelling.records import from_table, read_labels
from mmvg.labelling.run_folder import begin
from mmvg.labelling.worker import LabelError, StoppedError, Work, Worker

SENTENCES = ['the red ring', 'both stars']


@pytest.fixture(scope='module')
def checkpoint(random_checkpoint):
    return str(random_checkpoint('instancevg', 0, score_thr=0.05))


def worker_for(out, source, checkpoint, sentences=SENTENCES, **settings):
    settings = dict(sentences=sentences, shard_size=6, batch_size=4, score_thr=None, whole=False) | settings
    run = begin(out, settings, lambda: list_entries(str(source), sentences is None))
    run.clean()
    return Worker(Work(str(out), checkpoint, 'cpu'))


@pytest.fixture(scope='module')
def labelled(tmp_path_factory, pictures, checkpoint):
    worker = worker_for(tmp_path_factory.mktemp('labelled') / 'out', pictures, checkpoint)
    for shard in (2, 0, 1):
        worker.label(shard)
    worker.run.finish()
    return worker


def test_every_pair_is_answered_once_or_listed_as_failed(labelled, pictures, broken):
    records = list(read_labels(labelled.run.folder))
    names = [entry.image for entry in list_entries(str(pictures), False)]
    good = [name for name in names if name not in broken]
    assert [(record['image'], record['expression']) for record in records] == [
        (name, sentence) for name in good for sentence in SENTENCES
    ]
    failed = [json.loads(line) for line in (labelled.run.folder / 'failed.jsonl').read_text().splitlines()]
    assert sorted(row['image'] for row in failed) == sorted(broken)
    causes = {row['image']: row['error'] for row in failed}
    assert 'is not a picture but text' in causes['05_text.jpg']
    assert 'empty' in causes['a/empty.png']
    assert 'cannot be read (No such file or directory)' in causes['a/gone.png']
    assert not any(str(pictures) in cause for cause in causes.values())


def test_answers_are_those_of_the_inferencer_and_parquet_has_the_same(labelled, pictures, checkpoint):
    find = GroundingInferencer(checkpoint, device='cpu', show_progress=False)
    for record in list(read_labels(labelled.run.folder))[:4]:
        (alone,) = find(pictures / record['image'], record['expression'])['predictions']
        assert record['score_thr'] == alone['score_thr'] == 0.05
        assert record['scores'] == pytest.approx(alone['scores'], abs=1e-5)
        assert record.keys() == alone.keys()
    for shard in range(3):
        lines = labelled.run.file('jsonl', shard).read_text().splitlines()
        table = parquet.read_table(labelled.run.file('parquet', shard))
        assert from_table(table) == [json.loads(line) for line in lines]


def test_a_shard_that_is_done_again_has_the_same_bytes(labelled):
    files = [labelled.run.file(kind, 1) for kind in ('jsonl', 'parquet', 'done')]
    before = [file.read_bytes() for file in files]
    labelled.label(1)
    assert [file.read_bytes() for file in files] == before


def test_lines_are_answered_with_their_own_sentences_and_ids(tmp_path, pictures, checkpoint):
    rows = [
        dict(image='00.png', expression='the red ring', ref_id=1, sent_id=1, img_id=5, dataset='mine'),
        dict(image='00.png', expression='both stars', ref_id=1, sent_id=2, img_id=5, dataset='mine'),
        dict(image='nothing.png', expression='both stars'),
        dict(image='03.png', sentences=['a', 'b'], ref_id=2, sent_id=3, img_id=6, dataset='mine'),
    ]
    source = pictures.parent / 'pictures/asked.jsonl'
    source.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    worker = worker_for(tmp_path / 'out', source, checkpoint, None, whole=True, score_thr=0.5)
    note = worker.label(0)
    source.unlink()
    records = list(read_labels(tmp_path / 'out'))
    assert [record['expression'] for record in records] == ['the red ring', 'both stars', 'a', 'b']
    assert [record.get('sent_id') for record in records] == [1, 2, None, None]
    assert [record.get('dataset') for record in records] == ['mine', 'mine', None, None]  # or two have the same ids
    assert all('candidates' in record and record['score_thr'] == 0.5 for record in records)
    assert [row['image'] for row in note.failed] == ['nothing.png']


def test_the_labels_are_a_data_set_and_are_scored(labelled, pictures, tmp_path, capsys):
    from mmvg.datasets import JSONLDataset

    file = tmp_path / 'all.jsonl'
    file.write_bytes(b''.join(path.read_bytes() for path in sorted(labelled.run.folder.glob('jsonl/*'))))
    shutil.copytree(pictures, tmp_path / 'images', symlinks=True)
    dataset = JSONLDataset('all.jsonl', data_root=str(tmp_path), test_mode=True)
    records = list(read_labels(labelled.run.folder))
    assert len(dataset) == len(records) == 24
    boxes = [[list(instance['bbox']) for instance in dataset.get_data_info(n)['instances']] for n in range(24)]
    assert [len(found) for found in boxes] == [len(record['boxes']) for record in records]
    words = ['--answers', str(file), '--protocol', 'gres', '--unit', 'pixel', '--rule', 'all']
    main(['score', '--data', str(file), '--images', str(tmp_path / 'images'), *words])
    assert 'gres/gIoU: 100.0000' in capsys.readouterr().out  # the labels are their own truth


def test_a_model_that_fails_at_some_questions_has_them_listed_and_one_that_fails_at_all_ends(
    tmp_path, pictures, checkpoint, monkeypatch
):
    worker = worker_for(tmp_path / 'out', pictures, checkpoint)
    forward = worker.find.forward

    def fail(inputs, **kwargs):
        if any('stars' in sample.text or everything for sample in inputs['data_samples']):
            raise RuntimeError('no stars, please')
        return forward(inputs, **kwargs)

    monkeypatch.setattr(worker.find, 'forward', fail)
    everything = False
    note = worker.label(0)
    assert note.answers == 5
    assert next(row for row in note.failed if 'expression' in row) == dict(
        image='00.png', expression='both stars', error='RuntimeError: no stars, please'
    )
    everything = True
    with pytest.raises(LabelError, match=r'the model answers nothing, as here: .* no stars, please'):
        worker.label(1)
    assert worker.run.done(1) is None
    assert not list((tmp_path / 'out').rglob('*.part'))


def test_a_worker_that_is_told_to_end_writes_nothing(tmp_path, pictures, checkpoint):
    worker = worker_for(tmp_path / 'out', pictures, checkpoint)
    worker.stopped = lambda: True
    with pytest.raises(StoppedError):
        worker.label(0)
    assert not list((tmp_path / 'out/jsonl').iterdir())


def test_weights_are_told_apart_by_their_content(tmp_path, checkpoint):
    copy = shutil.copy(checkpoint, tmp_path / 'other_name.pth')
    assert weights_hash(str(copy)) == weights_hash(checkpoint)
    with copy.open('ab') as file:
        file.write(b'x')
    assert weights_hash(str(copy)) != weights_hash(checkpoint)
    assert weights_hash('lavt/refcoco') is None


@pytest.mark.parametrize('file', ['config.json', 'model.safetensors', 'vocab.txt', 'calibration.json'])
def test_a_model_folder_is_told_apart_by_all_that_decides_about_its_answers(tmp_path, monkeypatch, file):
    folder = shutil.copytree(weights_of('instancevg_refshapes'), tmp_path / 'model')
    before = weights_hash(str(folder))
    assert before == weights_hash('instancevg_refshapes') == weights_hash(str(folder / 'model.safetensors'))
    (folder / 'README.md').write_text('new')
    assert weights_hash(str(folder)) == before
    with (folder / file).open('ab') as opened:
        opened.write(b' ')
    assert weights_hash(str(folder)) != before
    monkeypatch.setattr('mmvg.labelling.label.pull_model', {'hf://user/name': folder}.__getitem__)
    assert weights_hash('hf://user/name') == weights_hash(str(folder))


def test_a_checkpoint_is_told_apart_by_its_calibration_and_a_note_by_what_it_names(tmp_path, checkpoint):
    copy = shutil.copy(checkpoint, tmp_path / 'iter_2.pth')
    (tmp_path / 'last_checkpoint').write_text(str(copy))
    before = weights_hash(str(copy))
    assert before == weights_hash(str(tmp_path)) == weights_hash(str(tmp_path / 'last_checkpoint'))
    (tmp_path / 'iter_2.calibration.json').write_text('{}')
    assert before != weights_hash(str(copy)) == weights_hash(str(tmp_path / 'last_checkpoint'))


def exported_folder(path):
    """A folder that looks like an exported model."""
    path.mkdir()
    (path / 'export.json').write_text('{"sha256": "1"}')
    return str(path)


def test_an_exported_model_is_told_apart_by_the_sums_of_its_files(tmp_path):
    folder = exported_folder(tmp_path / 'rings')
    before = weights_hash(folder)
    (tmp_path / 'rings/export.json').write_text('{"sha256": "2"}')
    assert None is not before != weights_hash(folder)


def test_an_exported_model_computes_with_so_many_threads_and_on_the_cpu_unless_told(tmp_path, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    folder = exported_folder(tmp_path / 'rings')
    assert (_device(folder, 1), _device('last.pth', 1), _device('last.pth', 2)) == (None, 'cuda:1', 'cuda:0')
    exported = Mock()
    monkeypatch.setattr('mmvg.apis.inferencer.ExportedInferencer', exported)
    begin(tmp_path / 'out', dict(shard_size=1, score_thr=0.4), lambda: iter(()))
    Worker(Work(str(tmp_path / 'out'), folder, threads=3))
    exported.assert_called_once_with(folder, None, None, 0.4, threads=3, calibrated=True, trust_config=False)


def test_exit_codes_are_those_of_the_page(tmp_path, pictures, monkeypatch, capsys):
    for name in ('mmvg.cli.label.signal', 'mmvg.labelling.local.signal', 'mmvg.labelling.local.threading'):
        monkeypatch.setattr(name, Mock())
    monkeypatch.setattr(local, 'Worker', Mock(side_effect=FileNotFoundError('there is no such model')))

    def dying(*_):
        raise BrokenProcessPool
        yield

    def silent(*_):
        raise pickle.loads(pickle.dumps(LabelError('the model answers nothing')))  # as it comes from a worker
        yield

    def closed(shards, work, workers):
        local._start(work, SimpleNamespace(value=0, get_lock=nullcontext), Mock())
        raise pickle.loads(pickle.dumps(local._worker))
        yield

    expected = ((dying, 4, 'workers died 3 times'), (silent, 4, 'answers nothing'), (closed, 2, 'no such model'))
    for pool, code, message in expected:
        monkeypatch.setattr(local, '_in_pool', pool)
        with pytest.raises(SystemExit) as end:
            main(['label', str(pictures), 'the red ring', '--out', str(tmp_path / 'out')])
        assert end.value.code == code
        assert message in capsys.readouterr().err
