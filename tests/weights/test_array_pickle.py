"""Pickles of arrays are read without calling anything that they name."""

import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch

from mmvg.weights import CheckpointError, load_checkpoint_file, load_state_dict_file
from mmvg.weights.array_pickle import read_array_pickle


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_weights_are_read_as_detectron2_writes_them(tmp_path, protocol):
    weights = OrderedDict(
        weight=np.arange(6, dtype=np.float32).reshape(2, 3),
        columns=np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
        count=np.array(7),
        swapped=np.arange(3, dtype='>i4'),
        half=np.float16([1.5]),
        yes=np.array([True, False]),
    )
    content = dict(model=weights, __author__='somebody', matching_heuristics=True, rate=np.float64(0.5))
    (tmp_path / 'd2.pkl').write_bytes(pickle.dumps(content, protocol=protocol))
    found = load_checkpoint_file(tmp_path / 'd2.pkl')
    assert (found['__author__'], found['matching_heuristics'], found['rate']) == ('somebody', True, 0.5)
    state = load_state_dict_file(tmp_path / 'd2.pkl')
    assert state.keys() == weights.keys()
    for name, value in weights.items():
        assert torch.is_tensor(state[name])
        assert state[name].shape == value.shape
        assert state[name].tolist() == value.tolist()
    assert state['half'].dtype == torch.float16


class Evil:
    def __reduce__(self):
        return (open, ('executed', 'w'))


class Late:
    def __reduce__(self):
        return (np.ndarray, ((2**40,),))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (pickle.dumps(dict(model=Evil())), r'it names \w+\.open, which could run any code'),
        (pickle.dumps(dict(model=dict(weight=Evil()))), r'it names \w+\.open'),
        (pickle.dumps(dict(model=Late())), "'str' object is not callable"),
        (pickle.dumps(np.array([Evil()], dtype=object)), 'is no type of plain numbers|could run any code'),
        (pickle.dumps(dict(weight=np.ones(8)))[:-9], 'cannot be read safely as a pickle of arrays'),
        (pickle.dumps([1]), 'holds a list instead of a dict'),
        (b'Nr' + (2**28).to_bytes(4, 'little') + b'.', 'remembers value 268435456 after 1 instructions'),
        (pickle.dumps(dict(weight=np.ones(8)), protocol=2).replace(b'K\x08\x85', b'K\x09\x85'), 'is not as long as'),
    ],
)
def test_anything_else_is_refused(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'd2.pkl').write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        read_array_pickle(tmp_path / 'd2.pkl')
    assert [path.name for path in tmp_path.iterdir()] == ['d2.pkl']


def test_a_checkpoint_of_pytorch_may_have_any_name(tmp_path):
    torch.save(dict(model=dict(weight=torch.ones(2))), tmp_path / 'ours.pkl')
    assert load_state_dict_file(tmp_path / 'ours.pkl')['weight'].tolist() == [1, 1]
