import numpy as np
import pytest

from mmvg.evaluation.functional import best_first, box_overlaps, jaccard_at, rank_of_hit, top_box, top_box_iou


@pytest.mark.parametrize('seed', range(20))
def test_the_order_is_that_of_sorted_pairs_of_score_and_box(seed):
    rng = np.random.default_rng(seed)
    boxes = np.sort(rng.integers(0, 3, (8, 2, 2)), axis=1).reshape(8, 4)[:, [0, 1, 2, 3]]
    boxes = np.concatenate([boxes.reshape(8, 2, 2).min(1), boxes.reshape(8, 2, 2).max(1)], axis=1)
    scores = rng.integers(0, 3, 8) / 2  # many ties
    order = best_first(boxes, scores)
    pairs = sorted(zip(scores.tolist(), boxes.tolist(), strict=True), reverse=True)
    assert [(scores[i], boxes[i].tolist()) for i in order] == pairs
    assert (scores[order[0]], *boxes[order[0]]) == (scores[top_box(boxes, scores)], *boxes[top_box(boxes, scores)])


@pytest.mark.parametrize('seed', range(20))
def test_p_at_1_is_the_accuracy_of_the_best_box(seed):
    rng = np.random.default_rng(seed)
    boxes = np.concatenate([low := rng.random((6, 2)) * 10, low + 5 + rng.random((6, 2))], axis=1)
    scores, gt_box = rng.random(6), np.array([3.0, 3, 9, 9])
    rank = rank_of_hit(boxes, scores, gt_box[None])
    assert (rank == 0) == (top_box_iou(boxes, scores, gt_box) >= 0.5)
    hits = box_overlaps(boxes, gt_box[None])[np.argsort(-scores), 0] >= 0.5
    assert rank == (int(hits.argmax()) if hits.any() else None)


def test_giou_hits_less_than_iou():
    box, shifted = np.array([[0, 0, 100, 100]]), np.array([[17, 17, 117, 117]])  # IoU 0.525, GIoU 0.483
    assert rank_of_hit(shifted, np.ones(1), box) == 0
    assert rank_of_hit(shifted, np.ones(1), box, overlap='giou') is None


def test_no_box_is_no_hit_and_any_true_box_may_be_hit():
    two = np.array([[0, 0, 4, 4], [6, 0, 9, 4]])
    assert rank_of_hit(np.zeros((0, 4)), np.zeros(0), two) is None
    assert rank_of_hit(two[1:], np.ones(1), two) == 0
    assert jaccard_at([0, 4, None], 5) == pytest.approx(200 / 3)


@pytest.mark.parametrize('scores', [np.ones(2), np.array([np.nan])])
def test_scores_that_do_not_fit_are_errors(scores):
    with pytest.raises(ValueError, match='score'):
        best_first(np.array([[0, 0, 4, 4]]), scores)
