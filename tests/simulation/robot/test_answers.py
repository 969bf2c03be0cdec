from unittest.mock import Mock

import numpy as np
import pytest

from mmvg.simulation import TableSentence
from mmvg.simulation.render import TableView
from mmvg.simulation.robot.answers import ModelAnswerer, PickAnswer, Question, from_mask, make_answerer, spoiled
from mmvg.simulation.robot.mask_grasps import mask_to_grasps
from mmvg.structures import Candidates


def question(targets=(0,), part=None):
    instances = np.zeros((60, 80), np.int32)
    instances[20:40, 30:40] = 1
    parts = np.where(instances > 0, 1, 0).astype(np.int32)
    parts[35:40, 30:40] = 2
    view = TableView(np.zeros((60, 80, 3), np.uint8), np.ones((60, 80), np.float32), instances, parts)
    return Question(view, TableSentence('it', 'attribute', targets, part), tried=np.array([[35.0, 30, 14, 5, 0]]))


def test_oracles_look_at_the_truth():
    answer = make_answerer('mask')(question())
    assert answer.mask.sum() == 200
    x, y, w, _, theta = answer.grasps[0]
    assert (abs(x - 34.5) < 1, 20 <= y < 40, 9 < w < 12, abs(theta) < 0.1) == (True,) * 4
    assert make_answerer('mask')(question(part='handle')).mask.sum() == 50
    assert make_answerer('grasp')(question()).grasps.tolist() == [[35, 30, 14, 5, 0]]
    assert make_answerer('mask')(question(targets=())).nothing
    assert make_answerer('grasp')(question(targets=())).nothing


def test_a_random_grasp_lies_on_the_object_and_is_the_same_again():
    first, again = (make_answerer(baseline='random', seed=4)(question()) for _ in range(2))
    assert first.grasps.tolist() == again.grasps.tolist()
    assert 30 <= first.grasps[0, 0] <= 39
    assert first.grasps.tolist() != make_answerer(baseline='random', seed=5)(question()).grasps.tolist()


def test_a_spoiled_answer_has_one_grasp_with_one_fault():
    right = PickAnswer(np.array([[1.0, 2, 30, 4, 0.4], [5, 6, 7, 8, 0]]), np.array([0.9, 0.8]))
    assert spoiled(lambda _: right, 'reversed')(None).grasps == pytest.approx(np.array([[1, 2, 30, 4, -0.4]]))
    assert spoiled(lambda _: right, 'half')(None).grasps.tolist() == [[1, 2, 15, 4, 0.4]]
    assert right.grasps[0, 4] == 0.4


@pytest.mark.parametrize(
    ('asked', 'words'),
    [
        ({}, 'name one who answers'),
        (dict(oracle_name='mask', model='x'), 'name one who answers'),
        (dict(baseline='mask'), 'mask of a model'),
        (dict(oracle_name='masks'), "did you mean 'mask'"),
        (dict(oracle_name='mask', spoil='double'), 'spoil must be'),
    ],
)
def test_who_answers_has_to_be_clear(asked, words):
    with pytest.raises(ValueError, match=words):
        make_answerer(**asked)


def test_an_exported_model_answers_with_its_best_grasps(monkeypatch):
    """It gives answers where a model gives samples."""

    def exported(*given, **options):
        grasps = np.array([[1.0, 2, 30, 4, 0.4], [5, 6, 7, 8, 0]], np.float32)
        made = Candidates(target_score=0.9, grasps=grasps, grasp_scores=np.array([0.1, 0.8], np.float32))
        answer = made.at(0.5, size=(60, 80))
        find = Mock(return_value=dict(predictions=[answer]))
        find.score_thr = 0.5
        return find

    monkeypatch.setattr('mmvg.apis.GroundingInferencer', exported)
    answer = ModelAnswerer('exports/grasps_onnx', device='cpu')(question())
    assert answer.grasps.tolist() == [[5, 6, 7, 8, 0], pytest.approx([1, 2, 30, 4, 0.4])]


def test_grasps_of_a_mask_close_across_its_narrow_places():
    mask = np.zeros((90, 120), bool)
    mask[20:30, 30:90] = True  # a head
    mask[30:80, 56:64] = True  # and a handle
    grasps, scores = mask_to_grasps(mask)
    assert (np.diff(scores) <= 0).all()
    narrow = grasps[grasps[:, 2] < 12]
    assert any(abs(theta) < 0.1 and y > 35 for _, y, _, _, theta in narrow)  # across the handle
    assert any(abs(abs(theta) - np.pi / 2) < 0.1 and y < 30 for _, y, _, _, theta in narrow)  # across the head
    assert len(from_mask(np.zeros((9, 9), bool)).grasps) == 0
