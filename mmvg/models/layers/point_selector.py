"""Choose cells of a score map as prior points (InstanceVG, arXiv:2509.13747, Sec. 3.2.1 and Alg. 2)."""

import numpy as np
import torch
from torch import Tensor
from torch.compiler import is_compiling, is_exporting


def _scores_per_cell(score_map: Tensor, num_points: int) -> Tensor:
    """Flatten ``score_map`` (B, h, w) to (B, h*w) in float32 or float64, without a gradient."""
    height, width = score_map.shape[-2:]
    if not 0 < num_points <= height * width:
        raise ValueError(
            f'cannot choose {num_points} points from the {height * width} cells of a {height} x {width} score map; '
            'set num_queries between 1 and the number of cells, or enlarge the input'
        )
    scores = score_map.detach().flatten(1)
    return scores if scores.dtype == torch.float64 else scores.float()


@torch.no_grad()
def select_points(
    score_map: Tensor, num_points: int, distance_weight: float = 0.003, normalize_dist: bool = True
) -> Tensor:
    """Choose cells that score high and lie far apart: the dynamic point selector (Alg. 2).

    The first cell has the highest score. Each further cell maximises score + ``distance_weight`` * D over the cells
    that are left, where D is the Euclidean distance in cells to the nearest chosen cell. Ties go to the lowest index.

    Args:
        score_map: Scores (B, h, w); half precision is computed in float32.
        num_points: Cells to choose per map.
        distance_weight: W_dist.
        normalize_dist: Divide D by the diagonal sqrt(h^2 + w^2) as the authors' code does; the paper does not.

    Returns:
        Row-major cell indices (B, num_points), int64, in the order in which they were chosen.

    Raises:
        ValueError: If a map has fewer than ``num_points`` cells.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import select_points
        >>> select_points(torch.tensor([[[0.9, 0.8, 0.7]]]), num_points=2, distance_weight=1.0)
        tensor([[0, 2]])
    """
    height, width = score_map.shape[-2:]
    scores = _scores_per_cell(score_map, num_points)
    unit = (height**2 + width**2) ** 0.5 if normalize_dist else 1.0
    if type(scores) is Tensor and scores.device.type == 'cpu' and not is_compiling() and not is_exporting():
        return _select_on_cpu(scores.numpy(), height, width, num_points, distance_weight, unit)
    scores = scores.clone()
    down, across = (_squared_differences(side, scores) for side in (height, width))
    from_cell = torch.cat([down.repeat_interleave(width, dim=0), across.repeat(height, 1)], dim=1)  # h*w, h + w
    chosen = [scores.argmax(dim=1, keepdim=True)]
    nearest = None  # squared distance to the nearest chosen cell: whole numbers, so that equal distances are equal
    for _ in range(num_points - 1):
        rows, columns = from_cell[chosen[-1]].split([height, width], dim=-1)  # (B, 1, h), (B, 1, w)
        squared = (rows.mT + columns).flatten(1)
        nearest = squared if nearest is None else torch.minimum(nearest, squared, out=nearest)
        scores.scatter_(1, chosen[-1], -torch.inf)
        total = nearest.sqrt().div_(unit).mul_(distance_weight).add_(scores)
        chosen.append(total.argmax(dim=1, keepdim=True))
    return torch.cat(chosen, dim=1)


def _select_on_cpu(
    scores: np.ndarray, height: int, width: int, num_points: int, distance_weight: float, unit: float
) -> Tensor:
    """Choose as :func:`select_points` does, from scores (B, h*w): NumPy's calls cost a quarter of PyTorch's."""
    scores, maps = scores.copy(), np.arange(len(scores))
    down, across = (_squared_differences(side, torch.from_numpy(scores)).numpy() for side in (height, width))
    chosen = [scores.argmax(1)]
    nearest = np.full_like(scores, np.inf)
    for _ in range(num_points - 1):
        rows, columns = np.divmod(chosen[-1], width)
        squared = (down[rows][:, :, None] + across[columns][:, None]).reshape(scores.shape)
        np.minimum(nearest, squared, out=nearest)
        scores[maps, chosen[-1]] = -np.inf
        total = np.sqrt(nearest)
        total /= unit
        total *= distance_weight
        total += scores
        chosen.append(total.argmax(1))
    return torch.from_numpy(np.stack(chosen, 1))


def _squared_differences(count: int, like: Tensor) -> Tensor:
    """Squared differences (count, count) of whole numbers, in the type of ``like``."""
    numbers = torch.arange(count, device=like.device, dtype=like.dtype)
    return (numbers[:, None] - numbers) ** 2


@torch.no_grad()
def select_top_cells(score_map: Tensor, num_points: int) -> Tensor:
    """Choose the ``num_points`` highest cells of ``score_map`` (B, h, w), the baseline of Table 8.

    Returns:
        Row-major cell indices (B, num_points), int64, by descending score; ties go to the lowest index.

    Raises:
        ValueError: If a map has fewer than ``num_points`` cells.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import select_top_cells
        >>> select_top_cells(torch.tensor([[[0.9, 0.8, 0.7]]]), num_points=2)
        tensor([[0, 1]])
    """
    scores = _scores_per_cell(score_map, num_points)
    return scores.sort(dim=1, descending=True, stable=True).indices[:, :num_points]


def cell_centers_norm(indices: Tensor, height: int, width: int) -> Tensor:
    """Return the centres (..., 2), x and y in fractions, of row-major cells (...) of a ``height`` x ``width`` grid.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import cell_centers_norm
        >>> cell_centers_norm(torch.tensor([3]), height=2, width=2)
        tensor([[0.7500, 0.7500]])
    """
    rows, cols = indices // width, indices % width
    return torch.stack([(cols + 0.5) / width, (rows + 0.5) / height], dim=-1)
