import pytest
import torch

from mmvg.models.layers.region_grid import anchors_to_map, grid_side


def test_each_anchor_stands_at_every_position_of_its_cell():
    anchors = torch.arange(4.0).reshape(1, 4, 1)
    rows = ['000111', '000111', '222333', '222333']
    expected = torch.tensor([[float(c) for c in row] for row in rows])
    assert torch.equal(anchors_to_map(anchors, (4, 6))[0, 0], expected)


@pytest.mark.parametrize('hw', [(30, 28), (28, 30), (3, 4)])
def test_a_grid_that_does_not_divide_the_map_is_refused(hw):
    with pytest.raises(ValueError, match=rf'4 x 4 regions do not divide a map of {hw[0]} x {hw[1]} cells'):
        anchors_to_map(torch.zeros(1, 16, 2), hw)


def test_regions_are_a_square_number():
    assert [grid_side(n) for n in (1, 4, 9, 16)] == [1, 2, 3, 4]
    with pytest.raises(ValueError, match='15 is no square'):
        grid_side(15)
