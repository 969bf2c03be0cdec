import numpy as np
import pytest

from mmvg.evaluation.functional import covered_share


def test_edges_count_as_inside_and_one_point_can_cover_two_boxes():
    boxes = np.array([[0, 0, 10, 10], [10, 0, 20, 10], [30, 30, 40, 40]])
    assert covered_share(np.array([[10, 10]]), boxes) == pytest.approx(2 / 3)
    assert covered_share(np.array([[10.01, 10]]), boxes) == pytest.approx(1 / 3)


def test_x_belongs_to_the_width_and_y_to_the_height():
    assert covered_share(np.array([[50, 5]]), np.array([[0, 0, 100, 10]])) == 1
    assert covered_share(np.array([[5, 50]]), np.array([[0, 0, 100, 10]])) == 0


def test_without_points_nothing_is_covered():
    assert covered_share(np.zeros((0, 2)), np.array([[0, 0, 1, 1]])) == 0


def test_looking_at_each_point_and_box_gives_the_same():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        boxes = np.sort(rng.integers(0, 6, (rng.integers(1, 4), 2, 2)), axis=1).reshape(-1, 4)
        points = rng.integers(0, 6, (rng.integers(0, 4), 2))
        covered = [any(x1 <= x <= x2 and y1 <= y <= y2 for x, y in points) for x1, y1, x2, y2 in boxes]
        assert covered_share(points, boxes) == pytest.approx(sum(covered) / len(covered))


def test_no_box_and_bad_points_are_refused():
    with pytest.raises(ValueError, match='with a target'):
        covered_share(np.ones((1, 2)), np.zeros((0, 4)))
    with pytest.raises(ValueError, match='point 1 is not finite'):
        covered_share(np.array([[0, 0], [np.nan, 1]]), np.ones((1, 4)))
