from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from mmvg.evaluation.functional import greedy_matches, set_f1

A, B = [0, 0, 10, 10], [50, 0, 60, 10]


def slow_f1(boxes, gt_boxes, mode):
    """The greedy rule on a sorted list of exact overlaps; ties in row order."""
    if not len(boxes) and not len(gt_boxes):
        return 1
    entries = [
        (-exact_overlap(box, gt, mode), row, column)
        for row, box in enumerate(boxes)
        for column, gt in enumerate(gt_boxes)
    ]
    rows, columns = set(), set()
    for negative, row, column in sorted(entries):
        if -negative >= Fraction(1, 2) and row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
    tp = len(rows)
    return 2 * tp / (2 * tp + (len(boxes) - tp) + (len(gt_boxes) - tp))


def exact_overlap(a, b, mode):
    a, b = ([Fraction(int(value)) for value in box] for box in (a, b))
    inner = [max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])]
    outer = [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]
    area = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b, outer)]
    shared = (inner[2] - inner[0]) * (inner[3] - inner[1]) if inner[0] < inner[2] and inner[1] < inner[3] else 0
    union = area[0] + area[1] - shared
    iou = shared / union if union else Fraction(0)
    return iou if mode == 'iou' or not area[2] else iou - (area[2] - union) / area[2]


@pytest.mark.parametrize('mode', ['giou', 'iou'])
def test_a_scorer_in_exact_fractions_gives_the_same_f1(mode):
    rng = np.random.default_rng(0)
    for _ in range(2000):
        gt_boxes = np.sort(rng.integers(0, 5, (rng.integers(0, 4), 2, 2)), axis=1).reshape(-1, 4)
        boxes = np.sort(rng.integers(0, 5, (rng.integers(0, 5), 2, 2)), axis=1).reshape(-1, 4)
        boxes = np.concatenate([boxes, gt_boxes[rng.random(len(gt_boxes)) < 0.6]])
        assert set_f1(boxes, gt_boxes, mode) == slow_f1(boxes, gt_boxes, mode)


def test_giou_decides_a_match_and_iou_does_not():
    gt = np.array([[0.0, 0.0, 100.0, 100.0]])
    assert set_f1(gt + 17, gt, 'iou') == 1  # IoU 0.525
    assert set_f1(gt + 17, gt, 'giou') == 0  # GIoU 0.483


def test_an_overlap_of_exactly_one_half_matches():
    assert set_f1(np.array([[0, 0, 10, 5]]), np.array([A]), 'iou') == 1
    assert set_f1(np.array([[0, 0, 10, 5]]), np.array([A]), 'giou') == 1  # nested: the hull adds nothing


def test_greedy_takes_the_largest_entry_and_misses_the_better_assignment():
    overlaps = np.array([[0.96, 0.56], [0.90, 0.46]])  # predictions p, q with A, B
    assert greedy_matches(overlaps) == 1
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    assert (overlaps[rows, columns] >= 0.5).sum() == 2  # p with B, q with A


def test_the_table_of_overlaps_is_left_as_it_was():
    overlaps = np.eye(2)
    greedy_matches(overlaps)
    np.testing.assert_array_equal(overlaps, np.eye(2))


@pytest.mark.parametrize(
    ('boxes', 'gt_boxes', 'f1'),
    [
        ([], [], 1),
        ([A], [], 0),
        ([], [A], 0),
        ([A], [A], 1),
        ([A, A], [A], 2 / 3),  # the second box is one too many
        ([A, A], [A, A], 1),  # a box listed twice needs two predictions
        ([A], [A, A], 2 / 3),
        ([B, A], [A, B], 1),
        ([A, B, B], [A, B], 4 / 5),
        ([[5, 5, 5, 5]], [[5, 5, 5, 5]], 0),  # 0/0 and a match in the official code
    ],
)
@pytest.mark.parametrize('matching', ['giou', 'iou'])
def test_corner_cases(boxes, gt_boxes, f1, matching):
    boxes, gt_boxes = (np.array(b, dtype=float).reshape(-1, 4) for b in (boxes, gt_boxes))
    assert set_f1(boxes, gt_boxes, matching) == pytest.approx(f1)
