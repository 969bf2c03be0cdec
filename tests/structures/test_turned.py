import numpy as np
import pytest

from mmvg.pictures import turn_upright
from mmvg.structures import Answer, Candidates, as_stored, turn_matrix, union_mask


def box_of(mask):
    ys, xs = np.nonzero(mask)
    return [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('count', [0, 2])
def test_an_answer_about_the_upright_picture_goes_back_to_the_pixels_of_the_file(orientation, count):
    stored = np.zeros((2, 20, 30), dtype=bool)
    stored[0, 2:7, 4:16] = True
    stored[1, 11:19, 20:23] = True
    stored = stored[:count]
    masks = np.stack([turn_upright(mask, orientation) for mask in stored]) if count else np.zeros((0, 30, 20), bool)
    if not count and orientation < 5:
        masks = np.zeros((0, 20, 30), bool)
    boxes = np.array([box_of(mask) for mask in masks], dtype=np.float32).reshape(-1, 4)
    made = Candidates(boxes=boxes, scores=np.full(count, 0.9, np.float32), masks=masks, mask_output='instance')
    made.points = boxes[:, :2].copy()
    answer = as_stored(made.at(0.5, size=masks.shape[1:]), orientation)
    assert answer.size == (20, 30)
    for part in (answer, answer.candidates):
        assert np.array_equal(part.masks, stored)
        assert part.boxes.tolist() == [box_of(mask) for mask in stored]
    assert np.array_equal(answer.mask, union_mask(stored, np.ones(count, bool), None, 'instance', not count))


def test_a_grasp_keeps_its_sides_and_turns_with_the_picture():
    answer = Answer(0.5, False, grasps=np.array([[10.0, 5.0, 8.0, 2.0, 0.3]]), size=(30, 20))
    x, y, w, h, theta = as_stored(answer, 6).grasps[0]
    x2, y2, _ = turn_matrix(8, (30, 20)) @ [10.5, 5.5, 1]
    assert (x, y, w, h) == pytest.approx((x2 - 0.5, y2 - 0.5, 8, 2))
    assert abs(np.cos(theta - (0.3 + np.pi / 2))) == pytest.approx(1)
