import numpy as np
import pytest

from mmvg.evaluation.functional import top_box, top_box_iou


def test_the_best_score_decides_and_no_threshold_applies():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 5]])
    assert top_box_iou(boxes, np.array([0.01, 0.02]), np.array([0, 0, 10, 10])) == 0.5
    assert top_box_iou(boxes, np.array([0.02, 0.01]), np.array([0, 0, 10, 10])) == 1


def test_an_answer_without_boxes_is_a_miss():
    assert top_box_iou(np.zeros((0, 4)), np.zeros(0), np.array([0, 0, 1, 1])) == 0


def test_the_choice_is_the_first_of_the_sorted_score_box_pairs():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        count = rng.integers(1, 8)
        boxes = np.sort(rng.integers(0, 3, (count, 2, 2)), axis=1).reshape(count, 4)
        scores = rng.choice([0.2, 0.5], count)
        pairs = sorted(zip(scores.tolist(), boxes.tolist(), strict=True), reverse=True)
        chosen = top_box(boxes, scores)
        assert (scores[chosen], boxes[chosen].tolist()) == pairs[0]
        shuffle = rng.permutation(count)
        assert boxes[shuffle][top_box(boxes[shuffle], scores[shuffle])].tolist() == pairs[0][1]


@pytest.mark.parametrize(('scores', 'message'), [([0.1, np.nan], 'score 1 is not finite'), ([0.1], 'need scores')])
def test_scores_that_cannot_be_ranked_are_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        top_box(np.ones((2, 4)), np.array(scores))
