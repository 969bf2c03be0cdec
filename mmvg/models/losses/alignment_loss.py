"""Pull the pixels of a target together and towards the text (MagNet), in memory that is linear in the pixels."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvg.models.layers import send


class _NegativeSums(torch.autograd.Function):
    """Compute row and column sums of exp((X Y^T - 1) / tau) without ever holding that matrix whole."""

    @staticmethod
    def forward(ctx, x: Tensor, y: Tensor, temperature: float, block_size: int) -> tuple[Tensor, Tensor]:
        rows, columns = x.new_empty(len(x)), y.new_zeros(len(y))
        for begin in range(0, len(x), block_size):
            block = slice(begin, begin + block_size)
            similarity = _similarity(x[block], y, temperature)
            rows[block] = similarity.sum(1)
            columns += similarity.sum(0)
        ctx.save_for_backward(x, y)
        ctx.temperature, ctx.block_size = temperature, block_size
        return rows, columns

    @staticmethod
    def backward(ctx, grad_rows: Tensor, grad_columns: Tensor) -> tuple[Tensor, Tensor, None, None]:
        x, y = ctx.saved_tensors
        grad_x, grad_y = torch.empty_like(x), torch.zeros_like(y)
        for begin in range(0, len(x), ctx.block_size):
            block = slice(begin, begin + ctx.block_size)
            similarity = _similarity(x[block], y, ctx.temperature)
            weights = grad_rows[block, None] + grad_columns
            similarity.mul_(weights.div_(ctx.temperature))
            grad_x[block] = similarity @ y
            grad_y.addmm_(similarity.t(), x[block])
        return grad_x, grad_y, None, None


def _similarity(x: Tensor, y: Tensor, temperature: float) -> Tensor:
    """Compute exp((X Y^T - 1) / tau) with no other matrix of that size on the way."""
    return (x @ y.t()).sub_(1).div_(temperature).exp_()


def negative_sums(x: Tensor, y: Tensor, temperature: float, block_size: int = 64) -> tuple[Tensor, Tensor]:
    r"""Sum the similarities of all pairs of unit vectors in O(P + N) memory.

    The similarities are computed in blocks of rows, added up and forgotten, and computed once more in the backward
    pass. The constant 1 stands in for the maximum that usually keeps an exponential finite: unit vectors have no larger
    product. This is safe as long as exp(-2 / temperature) can be represented, that is above 0.025 in float32.

    Args:
        x: P unit vectors (P, D), P >= 1.
        y: N unit vectors (N, D), N >= 1.
        temperature: tau.
        block_size: Number of rows of ``x`` whose similarities are held at a time.

    Returns:
        :math:`r_i = \sum_j e^{(x_i y_j - 1) / \tau}` (P,) and :math:`c_j = \sum_i e^{(x_i y_j - 1) / \tau}` (N,).
    """
    return _NegativeSums.apply(x, y, temperature, block_size)


class AlignmentLoss(nn.Module):
    r"""Align the pixels of one image with each other and with the text (MagNet, arXiv:2312.12198, Eqs. 12 to 14).

    With X the foreground and Y the background pixels as unit vectors, x and y the unit means of either, t the unit
    text, and r, c of :func:`negative_sums`,

    .. math::
        P2P = -\mathrm{mean}_i \log \frac{e^{X_i x / \tau_1}}{e^{X_i x / \tau_1} + r_i}
              -\mathrm{mean}_j \log \frac{e^{Y_j y / \tau_1}}{e^{Y_j y / \tau_1} + c_j}, \qquad
        P2T = -\mathrm{mean}_i \log \frac{e^{X_i t / \tau_2}}{e^{X_i t / \tau_2} + r_i}

    The paper prints no logarithm. Without one the loss is bounded by 0 and its gradient vanishes with thousands of
    negatives. All of it is computed in float32 at least.

    Args:
        pixel_temperature: tau_1.
        text_temperature: tau_2.
        block_size: Number of foreground pixels whose similarities are held at a time.

    Examples:
        >>> import torch
        >>> from mmvg.models.losses import AlignmentLoss
        >>> pixels, foreground = torch.randn(6, 8), torch.tensor([1, 1, 0, 0, 0, 0]).bool()
        >>> p2p, p2t = AlignmentLoss()(pixels, foreground, text=torch.randn(8))
        >>> p2p.shape, p2t.shape
        (torch.Size([]), torch.Size([]))
    """

    def __init__(self, pixel_temperature: float = 0.1, text_temperature: float = 0.1, block_size: int = 64) -> None:
        super().__init__()
        self.pixel_temperature = pixel_temperature
        self.text_temperature = text_temperature
        self.block_size = block_size

    def forward(self, pixels: Tensor, foreground: Tensor, text: Tensor | None) -> tuple[Tensor, Tensor]:
        """Compute P2P and P2T of one image.

        Args:
            pixels: Features (M, D), of any length.
            foreground: (M,) bool, with at least one pixel of either kind; on the host, which decides how many there
                are of either.
            text: Vector (D,), or ``None`` if P2T is not wanted.

        Returns:
            P2P and P2T, two scalars; P2T is 0 without ``text``.
        """
        pixels = pixels if pixels.dtype == torch.float64 else pixels.float()
        # a product, whose backward pass keeps fewer copies than the quotient of F.normalize
        pixels = pixels * pixels.norm(dim=-1, keepdim=True).clamp_min(1e-12).reciprocal()
        # one gather, whose backward pass needs half the memory of two
        order = torch.argsort(foreground.to(torch.uint8), descending=True, stable=True)
        inside = int(foreground.sum())
        x, y = pixels[send(order, pixels.device)].split([inside, len(foreground) - inside])
        rows, columns = negative_sums(x, y, self.pixel_temperature, self.block_size)
        p2p = self._contrast(x, x.mean(0), rows, self.pixel_temperature)
        p2p = p2p + self._contrast(y, y.mean(0), columns, self.pixel_temperature)
        if text is None:
            return p2p, p2p.new_zeros(())
        if self.text_temperature != self.pixel_temperature:
            rows, _ = negative_sums(x, y, self.text_temperature, self.block_size)
        return p2p, self._contrast(x, text.to(x.dtype), rows, self.text_temperature)

    @staticmethod
    def _contrast(vectors: Tensor, anchor: Tensor, negatives: Tensor, temperature: float) -> Tensor:
        """Return the mean of -log(e^p / (e^p + negatives)), with all exponents shifted by -1 / temperature."""
        positive = (vectors @ F.normalize(anchor, dim=-1) - 1) / temperature
        return (torch.logaddexp(positive, negatives.log()) - positive).mean()
