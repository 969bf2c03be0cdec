"""Optimize matrices with Muon and everything else with AdamW.

Letters: m rows and n columns of a matrix, B matrices of one shape, N matrices in a parameter.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import torch
from mmengine.dist import all_gather, get_rank, get_world_size
from torch import Tensor
from torch.optim import AdamW

from mmvg.registry import OPTIMIZERS
from mmvg.weights.sharded import is_sharded, sharded_like

#: a, b, c of X <- aX + b(XX^T)X + c(XX^T)^2 X, one triple for each of five rounds, which take any singular value from
#: 0.002 on to within 0.15 of 1. From timm's ``quintic`` preset.
NEWTON_SCHULZ = (
    (4.0848, -6.8946, 2.9270),
    (3.9505, -6.3029, 2.6377),
    (3.7418, -5.5913, 2.3037),
    (2.8769, -3.1427, 1.2046),
    (2.8366, -3.0525, 1.2012),
)

#: A matrix with a shorter side than this, such as an output of four numbers, is left to AdamW.
_MIN_SIDE = 8


@OPTIMIZERS.register_module()
class MuonAdamW(AdamW):
    r"""Muon (Jordan et al., 2024) for weight matrices and kernels, AdamW for everything else.

    The momentum M of a matrix is replaced by the nearest matrix with equal singular values, so that rare directions,
    such as the words of a sentence, are learned as fast as frequent ones:

    .. math:: W \leftarrow (1 - \eta \lambda) W - 0.2 \, \eta \sqrt{\max(m, n)} \; U V^T, \quad U S V^T = M

    The factor makes a step as large as AdamW's (arXiv:2502.16982, Eq. 4), so both share a learning rate and its
    schedule. From scratch on RefShapes it needs about a fifth of AdamW's samples (configs/raam/README.md).

    Muon takes parameters of two dimensions, stacks (N, m, n) of them, and kernels of 2D convolutions, flattened to
    (out, in x height x width), if both sides are 8 or more; depthwise kernels and positions (1, m, n) are
    AdamW's. A parameter group with ``muon=False`` is left to AdamW, in a config by
    ``paramwise_cfg=dict(custom_keys={'embeddings': dict(muon=False)})``; on RefShapes it made no difference for
    embeddings.

    ``torch.optim.Muon`` and ``timm.optim.Muon`` orthogonalise in bfloat16, which a CPU without such units emulates some
    25 times slower than float32, one matrix at a time, and the former knows no kernels. Here matrices of one shape go
    together, in float32, and the processes of a distributed run share the work: each orthogonalises its part, and all
    receive the same result.

    Args:
        params: Parameters or groups.
        lr: Learning rate eta.
        betas: AdamW's.
        eps: AdamW's.
        weight_decay: lambda, decoupled.
        momentum: Of M.

    Raises:
        ValueError: If ``momentum`` is not in [0, 1), and whatever AdamW raises.

    Example:
        >>> layer = torch.nn.Linear(16, 8)
        >>> optimizer = MuonAdamW(layer.parameters(), lr=0.01)
        >>> layer(torch.ones(2, 16)).sum().backward()
        >>> optimizer.step()
        >>> list(optimizer.state[layer.weight]), list(optimizer.state[layer.bias])  # Muon's state, and AdamW's
        (['step', 'momentum_buffer'], ['step', 'exp_avg', 'exp_avg_sq'])
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        momentum: float = 0.95,
    ) -> None:
        if not 0 <= momentum < 1:
            raise ValueError(f'MuonAdamW: momentum must be at least 0 and below 1, not {momentum}')
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=True)
        self.momentum = momentum
        self._step_supports_amp_scaling = False  # the scaler of mixed precision has to unscale Muon's gradients too

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update all parameters that have a gradient.

        Args:
            closure: Computes the loss again, with gradients.

        Returns:
            What ``closure`` returns; None without one.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        chosen = [
            (param, group)
            for group in self.param_groups
            for param in group['params']
            if param.grad is not None and group.get('muon', True) and is_matrix(param)
        ]
        gradients = [param.grad for param, _ in chosen]
        self._step_matrices(chosen)
        for param, _ in chosen:
            param.grad = None  # AdamW passes over it
        super().step()
        for (param, _), gradient in zip(chosen, gradients, strict=True):
            param.grad = gradient
        return loss

    def _step_matrices(self, chosen: Sequence[tuple[Tensor, dict]]) -> None:
        """Decay the chosen parameters and move them along the orthogonalised momentum."""
        stacks = [as_matrices(_whole(self._accumulate(param))) for param, _ in chosen]
        directions = iter(orthogonalize_shared([matrix for stack in stacks for matrix in stack]))
        for (param, group), stack in zip(chosen, stacks, strict=True):
            direction = torch.stack([next(directions) for _ in stack]).view(param.shape).to(param.dtype)
            direction = sharded_like(param, direction)
            param.mul_(1 - group['lr'] * group['weight_decay'])
            param.add_(direction, alpha=-group['lr'] * 0.2 * max(stack[0].shape) ** 0.5)

    def _accumulate(self, param: Tensor) -> Tensor:
        """Update the momentum of ``param`` and return Nesterov's look-ahead, float32, in its shape."""
        state = self.state[param]
        if not state:
            state['step'] = torch.zeros(())  # AdamW looks for it when it loads a state
            state['momentum_buffer'] = torch.zeros_like(param, dtype=torch.float32)
        state['step'] += 1
        gradient = param.grad.float()
        average = state['momentum_buffer'].lerp_(gradient, 1 - self.momentum)
        return gradient.lerp(average, self.momentum)


def _whole(tensor: Tensor) -> Tensor:
    """A matrix of which each process has a part, on the device where it is."""
    return tensor.full_tensor() if is_sharded(tensor) else tensor


def is_matrix(param: Tensor) -> bool:
    """Tell whether Muon takes ``param``; see :class:`MuonAdamW`.

    Example:
        >>> is_matrix(torch.ones(16, 8)), is_matrix(torch.ones(16)), is_matrix(torch.ones(16, 1, 3, 3))
        (True, False, False)
    """
    if param.ndim not in (2, 3, 4) or 1 in param.shape[:2]:
        return False
    return min(as_matrices(param)[0].shape) >= _MIN_SIDE


def as_matrices(tensor: Tensor) -> list[Tensor]:
    """View a matrix, a stack of matrices, or a kernel (out, in, height, width) as a list of matrices (m, n).

    Example:
        >>> as_matrices(torch.ones(16, 8, 3, 3))[0].shape
        torch.Size([16, 72])
    """
    return list(tensor) if tensor.ndim == 3 else [tensor.flatten(1)]


def orthogonalize(matrices: Tensor) -> Tensor:
    """Approximate the nearest (semi-)orthogonal matrices to ``matrices`` (B, m, n).

    Singular values end within 0.15 of 1. Directions with less than 0.002 of a matrix' Frobenius norm stay smaller, and
    zero remains zero.

    Example:
        >>> nearest = orthogonalize(torch.randn(3, 8, 16))  # B, m, n
        >>> nearest.shape, bool((torch.linalg.svdvals(nearest) - 1).abs().max() < 0.15)
        (torch.Size([3, 8, 16]), True)
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / x.flatten(1).norm(dim=1).clamp(min=1e-7)[:, None, None]
    for a, b, c in NEWTON_SCHULZ:
        gram = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.transpose(1, 2) if tall else x


def orthogonalize_shared(matrices: Sequence[Tensor]) -> list[Tensor]:
    """Apply :func:`orthogonalize` to each of ``matrices`` (m, n), with the work divided among the processes.

    Every process must give the same matrices, as gradients are after their reduction.

    Example:
        >>> [tuple(matrix.shape) for matrix in orthogonalize_shared([torch.ones(8, 16), torch.ones(9, 8)])]
        [(8, 16), (9, 8)]
    """
    shares = divide_work(matrices, get_world_size())
    own = dict(_orthogonalize_by_shape(matrices, shares[get_rank()]))
    if len(shares) == 1 or not matrices:
        return [own[index] for index in range(len(matrices))]
    length = max(sum(matrices[index].numel() for index in share) for share in shares)
    flat = torch.cat([*(matrix.flatten() for matrix in own.values()), matrices[0].new_zeros(length)])[:length]
    results = {}
    for share, gathered in zip(shares, all_gather(flat), strict=True):
        for index in share:
            size = matrices[index].numel()
            results[index], gathered = gathered[:size].view(matrices[index].shape), gathered[size:]
    return [results[index] for index in range(len(matrices))]


def divide_work(matrices: Sequence[Tensor], parts: int) -> list[list[int]]:
    """Divide ``matrices`` into ``parts`` of about equal work, the same in every process.

    Returns:
        Indices of the matrices of each part, sorted by shape.

    Example:
        >>> divide_work([torch.ones(8, 8), torch.ones(16, 16), torch.ones(8, 8)], parts=2)
        [[1], [0, 2]]
    """
    shares: list[list[int]] = [[] for _ in range(parts)]
    work = [0] * parts
    cost = {index: matrix.numel() * min(matrix.shape) for index, matrix in enumerate(matrices)}
    for index in sorted(cost, key=lambda i: (-cost[i], i)):
        lightest = work.index(min(work))
        shares[lightest].append(index)
        work[lightest] += cost[index]
    return [sorted(share, key=lambda i: (tuple(matrices[i].shape), i)) for share in shares]


def _orthogonalize_by_shape(matrices: Sequence[Tensor], share: Sequence[int]) -> Iterable[tuple[int, Tensor]]:
    """Yield index and result for each of ``share``, matrices of one shape at once."""
    for _, same in groupby(share, key=lambda i: matrices[i].shape):
        indices = list(same)
        yield from zip(indices, orthogonalize(torch.stack([matrices[i] for i in indices])), strict=True)
