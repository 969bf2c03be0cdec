"""Divide a map into regions: the cells of a square grid, row-major."""

from torch import Tensor


def anchors_to_map(anchors: Tensor, hw: tuple[int, int]) -> Tensor:
    """Lay anchors (B, g*g, C) over a map (B, C, h, w): each stands at every position of its cell.

    Raises:
        ValueError: If the number of anchors is no square, or the grid does not divide the map.
    """
    side = grid_side(anchors.shape[1])
    height, width = hw
    if height % side or width % side:
        raise ValueError(
            f'{side} x {side} regions do not divide a map of {height} x {width} cells evenly; choose an input size '
            f'whose map has a multiple of {side} cells a side, or another square number of anchors'
        )
    grid = anchors.transpose(1, 2).unflatten(2, (side, side))
    return grid.repeat_interleave(height // side, dim=2).repeat_interleave(width // side, dim=3)


def grid_side(num_regions: int) -> int:
    """The side g of a grid of g x g regions.

    Raises:
        ValueError: If ``num_regions`` is no square.
    """
    side = round(num_regions**0.5)
    if side * side != num_regions:
        raise ValueError(f'regions form a square grid, but {num_regions} is no square number')
    return side
