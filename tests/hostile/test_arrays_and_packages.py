"""Arrays, labels, packed data, vocabularies and answers that want to run code or fill the memory."""

import io
import json
import os
import pickle
import struct
import zipfile

import lmdb
import pytest
import torch
from guarded import guarded

from mmvg.apis.answer_records import read_answer_file
from mmvg.datasets.readers import LoadReport, PhraseCutLMDB, read_id_list, read_instruction, read_label, read_part_mask
from mmvg.datasets.readers.parquet import read_rows
from mmvg.datasets.readers.xml_files import read_xml
from mmvg.datasets.tokenizers.vocab_file import read_vocab


class Command:
    def __reduce__(self):
        return os.system, ('touch executed',)


def npy(header, content=b'', version=(1, 0)):
    text = header.encode()
    return b'\x93NUMPY' + bytes(version) + struct.pack('<H' if version == (1, 0) else '<I', len(text)) + text + content


def zipped(**files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace('__', '/'), content)
    return stream.getvalue()


def saved(value, **options):
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return stream.getvalue()


ARRAYS = {
    'objects': npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", pickle.dumps([Command()])),
    'of_1e18': npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000, 1000000000)}"),
    'of_a_long_number': npy("{'descr': '|u1', 'fortran_order': False, 'shape': (" + '9' * 4000 + ',)}'),
    'negative': npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, -5)}", bytes(5)),
    'code_in_the_header': npy("__import__('os').system('touch executed')"),
    'deep_header': npy('(' * 3000),
    'long_header': npy('[' + '1,' * 10**6 + ']', version=(2, 0)),
    'records': npy("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}", bytes(8)),
    'strings_of_2_GB': npy("{'descr': '|S2000000000', 'fortran_order': False, 'shape': (1,)}"),
    'version_9': npy('{}', version=(9, 9)),
    'npz': zipped(arr_0=bytes(10**8)),
    'pickle': pickle.dumps(Command()),
    'three_dimensions': npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 2)}", bytes(8)),
    'no_pixel': npy("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 416)}"),
}


@pytest.mark.parametrize('name', ARRAYS)
def test_a_hostile_array_is_refused(tmp_path, monkeypatch, harmless, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'mask.npy'
    path.write_bytes(ARRAYS[name])
    outcome = guarded(lambda: read_part_mask(path).shape)
    harmless(outcome)
    assert outcome.error
    assert str(path) in outcome.error[2]
    assert not (tmp_path / 'executed').exists()


LABELS = {
    'command': saved([Command()]),
    'command_in_the_old_format': saved([Command()], _use_new_zipfile_serialization=False),
    'plain_pickle': pickle.dumps(Command()),
    'one_number_in_1e9_places': saved(torch.zeros(1).expand(10**9, 6)),
    'zip_that_unfolds': zipped(archive__data=bytes(10**9)),
    'paths_out_of_the_archive': zipped(**{'..__..__executed': b'x', 'archive__data.pkl': pickle.dumps(1)}),
    'sparse': saved(torch.zeros(5, 6).to_sparse()),
    'bfloat16': saved(torch.zeros(5, 6, dtype=torch.bfloat16)),
    'complex': saved(torch.zeros(5, 6, dtype=torch.complex64)),
    'dict': saved(dict(a=torch.zeros(5, 6))),
    'string': saved('text'),
    'cut_off': saved(torch.zeros(5, 6))[:-30],
    'text': b'import os',
    'nothing': b'',
}


@pytest.mark.parametrize('name', LABELS)
def test_a_hostile_label_is_refused_or_has_no_grasps(tmp_path, monkeypatch, harmless, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'label.pt'
    path.write_bytes(LABELS[name])
    outcome = guarded(lambda: read_label(path).shape)
    harmless(outcome)
    assert name == 'complex' or str(path) in outcome.error[2]
    assert not (tmp_path / 'executed').exists()


@pytest.mark.parametrize('read', [read_instruction, read_id_list])
@pytest.mark.parametrize('content', [pickle.dumps([Command()]), pickle.dumps([1]), b'', pickle.dumps({})])
def test_a_hostile_instruction_or_list_is_refused(tmp_path, monkeypatch, harmless, read, content):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'names.obj'
    path.write_bytes(content)
    outcome = guarded(read, path)
    harmless(outcome)
    assert str(path) in outcome.error[2]
    assert not (tmp_path / 'executed').exists()


META = dict(version=1, split='train', tasks=1, images=1, sources={})
PACKED = {
    'tasks_without_end': {'__meta__': dict(META, tasks=10**12)},
    'negative_tasks': {'__meta__': dict(META, tasks=-1)},
    'tasks_of_text': {'__meta__': dict(META, tasks='1')},
    'meta_of_a_list': {'__meta__': [1]},
    'meta_that_is_a_pickle': {'__meta__': pickle.dumps(Command())},
    'deep_meta': {'__meta__': b'[' * 10**5},
    'task_that_is_a_pickle': {'__meta__': META, 'task:0': pickle.dumps(Command())},
    'deep_task': {'__meta__': META, 'task:0': b'{"a":' * 10**5},
    'task_of_a_list': {'__meta__': META, 'task:0': [1]},
    'no_task': {'__meta__': META, 'task:1': {}},
    'nothing': {},
}


@pytest.mark.parametrize('name', PACKED)
def test_hostile_packed_data_is_refused(tmp_path, monkeypatch, harmless, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'train.lmdb'
    with lmdb.open(str(path), subdir=False, lock=False) as environment, environment.begin(write=True) as transaction:
        for key, value in PACKED[name].items():
            transaction.put(key.encode(), value if isinstance(value, bytes) else json.dumps(value).encode())
    outcome = guarded(lambda: PhraseCutLMDB(path).tasks('train'))
    harmless(outcome)
    assert str(path) in outcome.error[2]
    assert not (tmp_path / 'executed').exists()


@pytest.mark.parametrize('keep', [0, 100, 4096, 8192, 12288])
def test_packed_data_that_were_cut_off_are_refused(tmp_path, harmless, keep):
    path = tmp_path / 'train.lmdb'
    with lmdb.open(str(path), subdir=False, lock=False) as environment, environment.begin(write=True) as transaction:
        transaction.put(b'__meta__', json.dumps(META).encode())
        transaction.put(b'task:0', bytes(50_000))
    path.write_bytes(path.read_bytes()[:keep])
    outcome = guarded(lambda: PhraseCutLMDB(path).tasks('train'))
    harmless(outcome)
    assert str(path) in outcome.error[2]


VOCABULARIES = {
    'pickle': pickle.dumps(Command()),
    'yaml_that_calls': b'!!python/object/apply:os.system ["touch executed"]\n' * 2,
    'utf16': '[PAD]\n[UNK]\n'.encode('utf-16'),
    'twice': b'a\nb\na\n',
    'nothing': b'',
}


@pytest.mark.parametrize('name', VOCABULARIES)
def test_a_hostile_vocabulary_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'vocab.txt'
    path.write_bytes(VOCABULARIES[name])
    outcome = guarded(lambda: read_vocab(path, 'a hint'))
    assert (outcome.killed, outcome.alarms) == ('', ())
    assert outcome.error[0] == 'ValueError'
    assert str(path) in outcome.error[2]
    assert not (tmp_path / 'executed').exists()


@pytest.mark.parametrize('make', [os.mkfifo, lambda path: path.symlink_to('/dev/zero')])
def test_a_vocabulary_without_end_is_not_waited_for(tmp_path, make):
    make(tmp_path / 'vocab.txt')
    outcome = guarded(lambda: read_vocab(tmp_path / 'vocab.txt', 'a hint'), seconds=5)
    assert outcome.error[0] == 'FileNotFoundError'


ANSWERS = {
    'deep': '{"predictions": ' + '[' * 10**5,
    'deep_and_closed': '{"predictions": ' + '[' * 900 + ']' * 900 + '}',
    'number_of_5000_digits': '{"predictions": [' + '9' * 5000 + ']}',
    'pickle': pickle.dumps(Command()),
    'web_page': '<html>',
    'nothing': '',
    'list': '[]',
    'string': '{"predictions": "none"}',
}


@pytest.mark.parametrize('name', ANSWERS)
def test_a_hostile_file_of_answers_is_refused(tmp_path, monkeypatch, harmless, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'answers.json'
    path.write_bytes(ANSWERS[name] if isinstance(ANSWERS[name], bytes) else ANSWERS[name].encode())
    outcome = guarded(lambda: len(read_answer_file(path).records))
    harmless(outcome)
    assert str(path) in outcome.error[2]
    assert not (tmp_path / 'executed').exists()


LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha">' + ''.join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)
DOCUMENTS = {
    'laughs': f'{LAUGHS}]><annotations>&j;</annotations>'.encode(),
    'laughs_in_utf16': f'<?xml version="1.0" encoding="utf-16"?>{LAUGHS}]><annotations>&j;</annotations>'.encode(
        'utf-16'
    ),
    'file_of_somebody': b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotations>&a;</annotations>',
    'address': b'<!DOCTYPE a SYSTEM "http://localhost:1/a.dtd"><annotations/>',
    'deep': b'<annotations>' + b'<a>' * 10**5,
    'another': b'<html></html>',
    'cut_off': b'<annotations><image',
    'nothing': b'',
}


@pytest.mark.parametrize('name', DOCUMENTS)
def test_a_hostile_xml_file_is_refused(tmp_path, harmless, name):
    path = tmp_path / 'annotations.xml'
    path.write_bytes(DOCUMENTS[name])
    outcome = guarded(lambda: read_xml(path, 'annotations', LoadReport('strict', evaluation=False)).tag)
    harmless(outcome)
    assert str(path) in outcome.error[2]


@pytest.mark.parametrize(
    'content', [b'PAR1' + bytes(100) + b'PAR1', b'PAR1\xff\xff\xff\x7fPAR1', pickle.dumps(Command()), b'']
)
def test_a_hostile_parquet_file_is_refused(tmp_path, monkeypatch, harmless, content):
    pytest.importorskip('pyarrow')
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'data.parquet'
    path.write_bytes(content)
    outcome = guarded(lambda: list(read_rows(path, ['image'])))
    harmless(outcome)
    assert str(path) in outcome.error[2]
    assert not (tmp_path / 'executed').exists()


def test_a_parquet_file_without_end_is_not_waited_for(tmp_path, harmless):
    pytest.importorskip('pyarrow')
    os.mkfifo(tmp_path / 'data.parquet')
    outcome = guarded(lambda: list(read_rows(tmp_path / 'data.parquet', ['image'])), seconds=10)
    harmless(outcome)
    assert 'is a pipe' in outcome.error[2]
