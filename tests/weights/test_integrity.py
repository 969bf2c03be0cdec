"""No file of weights that has changed since it was written is loaded."""

import random

import pytest
import torch

from mmvg.weights.checkpoint import CheckpointError, load_checkpoint_file, load_state_dict, save_weights
from mmvg.weights.integrity import find_damage, non_finite, tensors_digest
from mmvg.weights.latest import latest_checkpoint


def weights(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {f'layer.{i}.weight': torch.randn(6, 5, generator=generator) for i in range(20)}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_of_300_flipped_bits_none_loads_other_weights(suffix, tmp_path):
    state = weights()
    file = tmp_path / f'model{suffix}'
    save_weights(state, file, meta=dict(source='test'))
    content = file.read_bytes()
    rng = random.Random(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        file.write_bytes(damaged)
        try:
            loaded = load_checkpoint_file(file)
        except CheckpointError:
            refused += 1
        else:
            assert same(loaded['state_dict'], state)
    assert refused > 150  # the rest fell on names in the zip archive, padding and notes


def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path):
    file = tmp_path / 'model.pth'
    save_weights(weights(), file)
    content = file.read_bytes()
    for length in range(1, len(content), 397):
        file.write_bytes(content[:length])
        with pytest.raises(CheckpointError):
            load_checkpoint_file(file)


def test_files_without_checksums_are_read_as_before(tmp_path):
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(weights(), tmp_path / 'unchecked.pth')
    finally:
        torch.serialization.set_crc32_options(True)
    assert find_damage(tmp_path / 'unchecked.pth') is None
    torch.save(weights(), tmp_path / 'old.pth', _use_new_zipfile_serialization=False)
    assert find_damage(tmp_path / 'old.pth') is None


def test_the_digest_knows_names_shapes_types_and_contents():
    state = weights()
    changed = [
        {**state, 'more': torch.ones(1)},
        {name: value.t() for name, value in state.items()},
        {name: value.double() for name, value in state.items()},
        {name: value + (name == 'layer.3.weight') for name, value in state.items()},
    ]
    digests = {tensors_digest(each) for each in [state, *changed]}
    assert len(digests) == 5
    assert tensors_digest(dict(reversed(state.items()))) == tensors_digest(state)
    assert tensors_digest({'half': torch.ones(3, dtype=torch.bfloat16), 'none': torch.ones(0), 'one': torch.tensor(1)})


def test_non_finite_numbers_are_found_wherever_they_are():
    tree = {'a': [torch.ones(2), torch.tensor([float('inf')])], 'b': ({'c': torch.tensor(float('nan'))}, 3), 'd': 'x'}
    assert list(non_finite(tree)) == ['a.1', 'b.0.c']


def test_weights_of_a_training_that_diverged_are_refused():
    model = torch.nn.Linear(2, 3)
    state = {'weight': torch.ones(3, 2), 'bias': torch.tensor([1.0, float('nan'), 1.0])}
    with pytest.raises(CheckpointError, match=r'run/iter_8.pth: 1 of 2 tensors hold infinities or NaN \(bias\)'):
        load_state_dict(model, state, 'run/iter_8.pth')
    assert model.weight.isfinite().all()


def test_a_mask_of_infinities_is_no_damage():
    model = torch.nn.Linear(2, 3)
    model.register_buffer('attention_mask', torch.full((2, 2), float('-inf')).triu(1))
    load_state_dict(model, model.state_dict(), 'clip.pth')


def test_a_damaged_checkpoint_is_passed_over_and_named(tmp_path):
    for iteration in (2, 4, 6):
        torch.save(dict(state_dict=weights(iteration)), tmp_path / f'iter_{iteration}.pth')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_6.pth'))
    newest = tmp_path / 'iter_6.pth'
    content = newest.read_bytes()
    place = content.index(weights(6)['layer.7.weight'].numpy().tobytes())
    newest.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    (tmp_path / 'iter_4.pth').write_bytes(b'')
    said = []
    assert latest_checkpoint(tmp_path, said.append) == tmp_path / 'iter_2.pth'
    assert [sentence.split(' is ')[0] for sentence in said] == [f'{tmp_path}/iter_6.pth', f'{tmp_path}/iter_4.pth']
    assert 'not what was written' in said[0]
