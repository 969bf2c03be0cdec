import math

import pytest
import torch

from mmvg.models.layers import cell_centers_norm, point_selector, select_points, select_top_cells


def greedy(score_map, num_points, weight, normalize):
    """Algorithm 2, word by word, on one map in double precision."""
    height, width = score_map.shape
    diagonal = math.hypot(height, width) if normalize else 1.0
    left = {(i, j): float(score_map[i, j]) for i in range(height) for j in range(width)}
    chosen = []
    while len(chosen) < num_points:

        def total(cell):
            if not chosen:
                return left[cell]
            return left[cell] + weight * min(math.dist(cell, other) for other in chosen) / diagonal

        best = max(left, key=total)  # the first of equals, in row-major order
        chosen.append(best)
        del left[best]
    return [i * width + j for i, j in chosen]


def test_uniform_map_gives_the_corners_then_the_middle():
    chosen = select_points(torch.full((1, 14, 14), 0.5), 5, distance_weight=0.003)
    assert chosen.tolist() == [[0, 195, 13, 182, 90]]


@pytest.mark.parametrize('normalize', [True, False])
@pytest.mark.parametrize('weight', [0.003, 0.5])
def test_agrees_with_algorithm_2_on_random_maps(weight, normalize):
    maps = torch.rand(3, 6, 9, dtype=torch.float64)
    chosen = select_points(maps, 7, weight, normalize)
    assert chosen.tolist() == [greedy(m, 7, weight, normalize) for m in maps]


def test_agrees_with_algorithm_2_where_scores_are_as_close_as_real_ones():
    maps = torch.softmax(torch.randn(4, 400) * 0.3, dim=1).view(4, 20, 20).sigmoid()
    assert select_points(maps, 10).tolist() == [greedy(m.double(), 10, 0.003, True) for m in maps]


def test_every_cell_is_chosen_once_even_where_scores_are_zero_or_negative():
    maps = torch.stack([torch.zeros(3, 4), -torch.rand(3, 4)])
    for chosen in (select_points(maps, 12), select_top_cells(maps, 12)):
        assert chosen.sort(dim=1).values.tolist() == [list(range(12))] * 2


def test_ties_go_to_the_lowest_index():
    score_map = torch.zeros(1, 2, 3)
    score_map[0, 0, 2] = score_map[0, 1, 1] = 1.0
    assert select_points(score_map, 1).tolist() == [[2]]
    assert select_top_cells(score_map, 4).tolist() == [[2, 4, 0, 1]]


def test_half_precision_is_computed_in_float32():
    score_map = torch.zeros(1, 14, 14, dtype=torch.bfloat16) + 0.5
    assert select_points(score_map, 5).tolist() == [[0, 195, 13, 182, 90]]  # bfloat16 would lose 0.003 * D


def test_distance_decides_between_a_near_high_and_a_far_low_cell():
    score_map = torch.tensor([[[0.9, 0.8, 0.0, 0.0, 0.799]]])
    assert select_points(score_map, 2, distance_weight=0.0).tolist() == [[0, 1]]
    # D / diagonal is 1 / sqrt(26) against 4 / sqrt(26): 0.003 adds 0.00177 to the difference of 0.001
    assert select_points(score_map, 2, distance_weight=0.003).tolist() == [[0, 4]]


def test_more_points_than_cells_are_refused():
    for select in (select_points, select_top_cells):
        with pytest.raises(ValueError, match='7 points from the 6 cells of a 2 x 3'):
            select(torch.zeros(1, 2, 3), 7)


def test_centres_are_x_then_y():
    # cell 5 of a grid of 2 rows and 4 columns is row 1, column 1
    assert cell_centers_norm(torch.tensor([0, 5]), 2, 4).tolist() == [[0.125, 0.25], [0.375, 0.75]]


@pytest.mark.parametrize('dtype', [torch.float16, torch.float32, torch.float64])
def test_any_device_chooses_what_numpy_chooses_on_the_cpu(dtype, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    for shape, weight in (((3, 12, 17), 0.003), ((1, 40, 40), 0.5), ((4, 1, 30), 0.0), ((2, 5, 5), 2.0)):
        scores = torch.rand(shape, generator=generator).to(dtype)
        scores[:, :, ::3] = 0.5  # ties
        by_numpy = select_points(scores, 10, weight)
        with monkeypatch.context() as patch:
            patch.setattr(point_selector, 'is_exporting', lambda: True)
            assert torch.equal(select_points(scores, 10, weight), by_numpy)
