"""Pickles of refs that want to run code, fill the memory or never end."""

import collections
import os
import pickle
import struct
import subprocess

import numpy as np
import pytest


class Call:
    """Pickles as the call of ``function``."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def short(text):
    return b'\x8c' + bytes([len(text)]) + text.encode()


def laughs(depth):
    """Lists that hold the one before ten times over: 10 ** depth values in a few hundred bytes."""
    value = ['ha'] * 10
    for _ in range(depth):
        value = [value] * 10
    return value


def endless():
    value = []
    value.append(value)
    return value


COMMAND = 'touch executed'
NUMPY_SCALAR = b'cnumpy.core.multiarray\nscalar\n'
BOMBS = {
    'os.system': pickle.dumps([Call(os.system, COMMAND)]),
    'os.mkdir': pickle.dumps([Call(os.mkdir, 'executed')]),
    'eval': pickle.dumps([Call(eval, f'__import__("os").system("{COMMAND}")')]),
    'exec': pickle.dumps([Call(exec, 'import os; os.mkdir("executed")')]),
    'Popen': pickle.dumps([Call(subprocess.Popen, ['touch', 'executed'])]),
    'getattr': pickle.dumps([Call(getattr, 'text', 'format')]),
    'import': pickle.dumps([Call(__import__, 'antigravity')]),
    'in_a_ref': pickle.dumps([dict(ref_id=1, sentences=[Call(os.system, COMMAND)])]),
    'protocol_0': b'(lp0\ncposix\nsystem\n(S"touch executed"\ntRa.',
    'inst': b'(lp0\n(S"touch executed"\niposix\nsystem\na.',
    'obj': b'](cposix\nsystem\nX\x0e\x00\x00\x00touch executedoa.',
    'stack_global': b'\x80\x04]' + short('posix') + short('system') + b'\x93' + short(COMMAND) + b'\x85Ra.',
    'nested_name': b'\x80\x04]' + short('numpy') + short('dtype.__class__') + b'\x93a.',
    'name_of_a_stand_in': b'\x80\x04]' + short('mmvg.datasets.readers.safe_reading') + short('pickle') + b'\x93a.',
    'extension': b'\x80\x02]\x82\x01a.',
    'persistent': b'\x80\x02]X\x01\x00\x00\x00aQa.',
    'new_object': pickle.dumps([collections.OrderedDict(a=1)]),
    'object_array': pickle.dumps([np.array([Call(os.system, COMMAND)], dtype=object)]),
    'codec': b'\x80\x02](c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00zlibtRa.',
    'build_on_stand_in': b'\x80\x02]cnumpy\ndtype\n}X\x08\x00\x00\x00__code__K\x01sba.',
    'slots_on_stand_in': b'\x80\x02]c_codecs\nencode\nN}X\x0c\x00\x00\x00__defaults__K\x01s\x86ba.',
    'memo_of_4_GB': b'\x80\x02]r' + struct.pack('<I', 2**28) + b'.',
    'memo_of_64_GB': b'\x80\x02]r' + struct.pack('<I', 2**32 - 1) + b'.',
    'memo_in_letters': b'(lp268435456\n.',
    'bytes_of_1_TB': b'\x80\x05]\x96' + struct.pack('<Q', 2**40) + b'a.',
    'string_of_1_EB': b'\x80\x04]\x8d' + struct.pack('<Q', 2**60) + b'a.',
    'string_of_negative_length': b'\x80\x02]T' + struct.pack('<i', -1) + b'a.',
    'frame_of_1_EB': b'\x80\x04\x95' + struct.pack('<Q', 2**60) + b'].',
    'scalar_of_2_GB': b'\x80\x02]'
    + NUMPY_SCALAR
    + b'cnumpy\ndtype\nX\x0b\x00\x00\x00V2000000000K\x00K\x01\x87R\x85Ra.',
    'scalar_of_objects': b'\x80\x02]' + NUMPY_SCALAR + b'cnumpy\ndtype\nX\x02\x00\x00\x00O8K\x00K\x01\x87R\x85Ra.',
    'number_of_a_million_digits': b'(lp0\nL' + b'9' * 10**6 + b'L\na.',
    'sets': b'\x80\x04](' + b'\x8f' * 10**6 + b'e.',
    'shared_lists': pickle.dumps(laughs(12), 2),
    'shared_in_a_ref': pickle.dumps([dict(ref_id=laughs(12), split='train')], 2),
    'shared_dicts': pickle.dumps([{'a': laughs(12), 'b': laughs(9)}], 4),
    'holds_itself': pickle.dumps(endless(), 2),
    'holds_itself_in_a_ref': pickle.dumps([dict(ref_id=1, split='train', sentences=endless())], 2),
    'deep': b'\x80\x02' + b']' * 10**5 + b'a' * (10**5 - 1) + b'.',
    'deep_tuples': b'\x80\x02]N' + b'\x85' * 10**5 + b'a.',
    'zip': b'PK\x03\x04' + bytes(100),
    'only_stop': b'.',
    'web_page': b'<html><script>alert(1)</script></html>',
}


@pytest.mark.parametrize('name', BOMBS)
def test_it_is_refused_by_reader_and_check(data, monkeypatch, name):
    monkeypatch.chdir(data.root)
    data.refs.write_bytes(BOMBS[name])
    read, checked = data.open_refcoco()
    assert str(data.refs) in read
    assert str(data.refs) in checked
    assert not (data.root / 'executed').exists()


def test_what_most_of_them_do_when_nobody_looks(data, monkeypatch):
    """The payloads are live: Python's own unpickler runs them."""
    monkeypatch.chdir(data.root)
    for name in ('os.mkdir', 'exec'):
        pickle.loads(BOMBS[name])
        (data.root / 'executed').rmdir()


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('ref_id', 10**400), ('ref_id', float('nan')), ('ref_id', b'1'), ('ref_id', None), ('ref_id', [1]),
        ('image_id', 2**200), ('image_id', 'a' * 10**6), ('ann_id', {}), ('ann_id', -(10**25)),
        ('split', []), ('split', 'train\x00'), ('split', None), ('sentences', {'a': 1}), ('sentences', [None]),
        ('sentences', [[]]), ('sentences', [dict(sent_id=1)]), ('sent_ids', 'abc'), ('sent_ids', {}),
        ('sentences', [dict(sent_id=1, raw='\ud800', sent='\ud800')]),
        ('sentences', [dict(sent_id=1, raw=5, sent=b'x')]),
    ],
    ids=range(20),
)  # fmt: skip
def test_a_ref_with_an_absurd_value_is_named(data, field, value):
    data.write_refs([data.ref | {field: value}])
    read, checked = data.open_refcoco()
    assert str(data.root) in read
    assert str(data.refs) in checked
