import json

import pytest
import torch

from mmvg.weights import write_model_folder
from mmvg.weights.calibration import Calibration, calibration_file, read_calibration, write_calibration
from mmvg.weights.errors import CheckpointError

FITTED = Calibration(target=1.8, boxes=0.7, fitted=dict(data='refcoco val', expressions=100, ECE_box=[9.0, 2.0]))


@pytest.fixture(params=['checkpoint', 'folder'])
def weights(request, tmp_path):
    state = {'weight': torch.ones(3)}
    if request.param == 'folder':
        return write_model_folder(tmp_path / 'model', state, dict(model=dict(type='Linear')))
    torch.save(dict(state_dict=state), tmp_path / 'model.pth')
    return tmp_path / 'model.pth'


def test_a_calibration_is_kept_beside_its_weights(weights):
    assert read_calibration(weights) is None
    path = write_calibration(weights, FITTED)
    assert path == calibration_file(weights)
    assert path.name == ('calibration.json' if weights.is_dir() else 'model.calibration.json')
    assert read_calibration(weights) == FITTED
    assert read_calibration(str(weights)) == FITTED


def test_the_calibration_of_other_weights_is_not_used_and_that_is_said(weights, caplog):
    write_calibration(weights, FITTED)
    file = weights / 'model.safetensors' if weights.is_dir() else weights
    file.write_bytes(file.read_bytes() + b'0')
    with caplog.at_level('WARNING'):
        assert read_calibration(weights) is None


@pytest.mark.parametrize(
    'change',
    [
        dict(version=2),
        dict(target=-1.0),
        dict(target=float('nan')),
        dict(boxes='1.5'),
        dict(boxes=True),
        dict(fitted=3),
        dict(weights={}),
    ],
    ids=str,
)
def test_a_damaged_calibration_is_an_error_that_names_the_file(weights, change):
    path = write_calibration(weights, FITTED)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckpointError, match=r'calibration\.json: is no calibration .*mmvg calibrate'):
        read_calibration(weights)


@pytest.mark.parametrize('content', ['', '{', '[1]', ' ' * 200_000, '[' * 60_000])
def test_another_file_is_no_calibration(weights, content):
    calibration_file(weights).write_text(content)
    with pytest.raises(CheckpointError, match='is no calibration'):
        read_calibration(weights)


def test_the_note_of_the_last_checkpoint_stands_for_what_it_names(tmp_path):
    torch.save({}, tmp_path / 'iter_4.pth')
    (tmp_path / 'last_checkpoint').write_text('/elsewhere/iter_4.pth')
    write_calibration(tmp_path / 'iter_4.pth', FITTED)
    assert read_calibration(tmp_path / 'last_checkpoint') == FITTED


def test_weights_that_are_not_there_have_none(tmp_path):
    assert read_calibration(tmp_path / 'lost.pth') is None
    with pytest.raises(FileNotFoundError, match=r'lost\.pth'):
        write_calibration(tmp_path / 'lost.pth', FITTED)
