import codecs
import collections
import json
import math
import os
import pickle

import numpy as np
import pytest

from mmvg.datasets import DataError
from mmvg.datasets.readers.safe_reading import read_json, read_pickle

REFS = [dict(ref_id=1, sentences=[dict(sent_id=2, raw='caf\xe9', tokens=['caf\xe9'])])]


class Exploit:
    def __reduce__(self):
        return os.mkdir, ('exploited',)


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_refs_come_back_from_every_protocol(tmp_path, protocol):
    path = tmp_path / 'refs(unc).p'
    path.write_bytes(pickle.dumps(REFS, protocol))
    assert read_pickle(path, list) == REFS


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_numpy_scalars_are_read(tmp_path, protocol):
    path = tmp_path / 'refs(final).p'
    path.write_bytes(pickle.dumps([dict(ref_id=np.int64(70000), score=np.float32(0.5))], protocol))
    assert read_pickle(path, list) == [dict(ref_id=70000, score=0.5)]


def test_python_2_strings_beyond_ascii_are_read_as_latin1(tmp_path):
    path = tmp_path / 'refs(unc).p'
    path.write_bytes(b"(lp0\n(dp1\nS'raw'\np2\nS'caf\\xe9'\np3\nsa.")  # what cPickle of Python 2 writes, protocol 0
    with pytest.raises(UnicodeDecodeError):
        pickle.loads(path.read_bytes())
    assert read_pickle(path, list) == [dict(raw='caf\xe9')]


@pytest.mark.parametrize(
    ('content', 'name'),
    [
        ([Exploit()], 'posix.mkdir'),
        ([collections.OrderedDict(a=1)], 'collections.OrderedDict'),
        ([np.zeros(3)], '_reconstruct'),
    ],
)
def test_a_pickle_that_names_a_class_or_function_is_refused(tmp_path, monkeypatch, content, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'refs(unc).p'
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match='refused to load') as error:
        read_pickle(path, list)
    assert name in str(error.value)
    assert str(path) in str(error.value)
    assert not (tmp_path / 'exploited').exists()


def test_the_encoder_of_numpy_scalars_serves_nothing_else(tmp_path):
    path = tmp_path / 'refs(unc).p'
    path.write_bytes(b'\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.')
    with pytest.raises(DataError, match='rot13'):
        read_pickle(path, list)
    assert codecs.encode('a', 'rot13') == 'n'  # what the same bytes do when nobody looks


@pytest.mark.parametrize('cut', [1, 10, 40])
def test_a_pickle_that_is_cut_off_names_file_and_size(tmp_path, cut):
    path = tmp_path / 'refs(unc).p'
    content = pickle.dumps(REFS, 2)[:-cut]
    path.write_bytes(content)
    with pytest.raises(DataError, match=f'{len(content)} bytes') as error:
        read_pickle(path, list)
    assert str(path) in str(error.value)
    assert 'download' in str(error.value)


@pytest.mark.parametrize('content', [b'\x93NUMPY not a pickle', b'hello', bytes(range(128, 256)), b'garbage\n.'])
def test_a_foreign_file_is_no_pickle(tmp_path, content):
    path = tmp_path / 'refs(unc).p'
    path.write_bytes(content)
    with pytest.raises(DataError, match='not a complete pickle'):
        read_pickle(path, list)


@pytest.mark.parametrize('cut', [1, 5, 30])
def test_json_that_is_cut_off_names_file_and_size(tmp_path, cut):
    path = tmp_path / 'instances.json'
    content = json.dumps(dict(images=[dict(id=1)], annotations=[]))[:-cut]
    path.write_text(content)
    with pytest.raises(DataError, match=f'{len(content)} bytes.*cut off') as error:
        read_json(path, dict)
    assert str(path) in str(error.value)


def test_json_that_is_no_text_or_too_deep_is_an_error(tmp_path):
    path = tmp_path / 'instances.json'
    path.write_bytes(b'{"a": "\xff\xfe"}')
    with pytest.raises(DataError, match='not complete JSON'):
        read_json(path, dict)
    path.write_text('[' * 200_000)
    with pytest.raises(DataError, match=r'instances\.json'):
        read_json(path, list)


def test_nan_and_infinity_arrive_as_floats(tmp_path):
    path = tmp_path / 'instances.json'
    path.write_text('{"a": NaN, "b": -Infinity}')
    content = read_json(path, dict)
    assert math.isnan(content['a'])
    assert content['b'] == -math.inf


@pytest.mark.parametrize('read', [read_json, read_pickle])
@pytest.mark.parametrize(
    ('content', 'meaning'),
    [
        (b'', 'empty'),
        (b' \n ', 'empty'),
        (b'<!DOCTYPE html><html>404</html>', 'HTML'),
        (b'\n  <html lang="en">', 'HTML'),
        (b'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n', 'git lfs pull'),
        (b'PK\x03\x04rest', 'zip archive'),
        (b'\x1f\x8b\x08rest', 'gzip'),
    ],
)
def test_what_a_download_leaves_instead_of_data_is_recognised(tmp_path, read, content, meaning):
    path = tmp_path / 'file'
    path.write_bytes(content)
    with pytest.raises(DataError, match=meaning) as error:
        read(path, list)
    assert f'{path} ({len(content)} bytes)' in str(error.value)


def test_another_top_level_is_an_error(tmp_path):
    path = tmp_path / 'file'
    path.write_text('{"a": 1}')
    with pytest.raises(DataError, match='dict at its top level, expected a list'):
        read_json(path, list)
    path.write_bytes(pickle.dumps({'a': 1}))
    with pytest.raises(DataError, match='dict at its top level, expected a list'):
        read_pickle(path, list)
