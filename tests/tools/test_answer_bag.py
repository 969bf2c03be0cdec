"""What tools/ros/answer_bag.py says of mistakes; that it answers a bag is shown by docs/grasping.md."""

import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = str(Path(__file__).parents[2] / 'tools/ros/answer_bag.py')


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', [SCRIPT, *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(SCRIPT, run_name='__main__')
    return end.value.code


def test_without_rosbags_the_extra_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, 'rosbags', None)
    monkeypatch.setitem(sys.modules, 'rosbags.highlevel', None)
    monkeypatch.delitem(sys.modules, 'mmvg.apis.grasp_bag', raising=False)
    assert run(monkeypatch, tmp_path, 'the box', '--model', 'lggd_refshapes') == 2
    assert "pip install 'mmvg[ros]'" in capsys.readouterr().err


def test_a_bag_and_a_hand_eye_matrix_are_looked_for_before_the_model_is_loaded(monkeypatch, capsys, tmp_path):
    pytest.importorskip('rosbags')
    monkeypatch.setattr('mmvg.apis.GroundingInferencer', None)
    assert run(monkeypatch, tmp_path / 'lost', 'the box', '--model', 'lggd_refshapes') == 2
    assert 'there is no such bag' in capsys.readouterr().err
    (tmp_path / 'hand_eye.txt').write_text('1 0 0 500\n0 1 0 0\n0 0 1 0\n0 0 0 1\n')  # millimetres
    words = [tmp_path, 'the box', '--model', 'lggd_refshapes', '--hand-eye', tmp_path / 'hand_eye.txt']
    assert run(monkeypatch, *words) == 2
    assert 'must be in metres, not millimetres' in capsys.readouterr().err
    assert run(monkeypatch, *words[:4], '--approach', 'vertical') == 2
    assert 'needs camera_to_base' in capsys.readouterr().err
