"""Enlarge a map with learned sampling positions, channel weights and a shortcut, each of which can be switched off."""

import torch
import torch.nn.functional as F
from mmdet.models.layers import SELayer
from torch import Tensor, nn
from torch.compiler import is_exporting
from torchvision.ops import deform_conv2d


class OffsetDeformConv(nn.Module):
    """Run a deformable 3x3 convolution, version 1 (arXiv:1703.06211), with the convolution that makes its offsets.

    It starts as the plain 3x3 convolution with the same weight, because all offsets are 0 then. Offsets and samples are
    float32 whatever autocast says: in half precision a position beyond 64 would be a multiple of 1/16 pixel.
    torchvision's operator takes batches of any size; mmcv's refuses those above 32 that 32 does not divide. On the CPU
    the gradient of either is slow, so that training takes :func:`sampled_convolution` there
    (``benchmarks/deformable_convolution.py``).

    Args:
        in_channels: Channels C_in of the input.
        out_channels: Channels C_out of the output.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import OffsetDeformConv
        >>> OffsetDeformConv(4, 8)(torch.randn(2, 4, 5, 5)).shape
        torch.Size([2, 8, 5, 5])
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.offset = nn.Conv2d(in_channels, 2 * 3 * 3, 3, padding=1)
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 3, 3))
        nn.init.kaiming_normal_(self.weight, mode='fan_out', nonlinearity='relu')
        nn.init.zeros_(self.offset.weight)
        nn.init.zeros_(self.offset.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``x`` (B, C_in, h, w) to (B, C_out, h, w), float32."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            offset = self.offset(x)
            if is_exporting() or (x.device.type == 'cpu' and torch.is_grad_enabled()):
                return sampled_convolution(x, offset, self.weight)
            return deform_conv2d(x, offset, self.weight, padding=1)


def sampled_convolution(x: Tensor, offset: Tensor, weight: Tensor) -> Tensor:
    """Compute what ``torchvision.ops.deform_conv2d`` does for a 3x3 kernel, by a matrix product and ``grid_sample``.

    Each element of the kernel mixes the channels first and is sampled then. The order does not matter: both are linear.

    Args:
        x: (B, C_in, h, w).
        offset: (B, 18, h, w): y and x, in cells, of each element of the kernel, row by row.
        weight: (C_out, C_in, 3, 3).

    Returns:
        (B, C_out, h, w); beyond the border ``x`` is 0.
    """
    (batch, _, height, width), device = x.shape, x.device
    steps = torch.arange(3, device=device) - 1
    ys = offset[:, 0::2] + torch.arange(height, device=device)[:, None] + steps.repeat_interleave(3)[:, None, None]
    xs = offset[:, 1::2] + torch.arange(width, device=device) + steps.repeat(3)[:, None, None]
    grid = torch.stack([(2 * xs + 1) / width - 1, (2 * ys + 1) / height - 1], -1).flatten(0, 1)  # (9 B, h, w, 2)
    mixer = weight.flatten(2).permute(2, 0, 1).flatten(0, 1).expand(batch, -1, -1)  # (B, 9 C_out, C_in)
    mixed = mixer.bmm(x.flatten(2)).view(batch * 9, -1, height, width)
    sampled = F.grid_sample(mixed, grid, padding_mode='zeros', align_corners=False)
    return sampled.view(batch, 9, -1, height, width).sum(1)


class EnhancementBlock(nn.Module):
    r"""Double the size, then convolve deformably, weigh the channels and add a shortcut (SegVLM, arXiv:2505.19242).

    .. math:: x_{dcf} = \phi(u, F_{offset}(u)), \quad x_{se} = \sigma(W_2 \delta(W_1 GAP(x_{dcf}))) \odot x_{dcf},
              \quad x_{fused} = x_{se} + F_{residual}(u), \quad u = U(x)

    These are Eq. 1 to 3 of its Sec. 3.3; the equations add maps of different size unless their x is enlarged already,
    so ours is. The convolution is followed by BatchNorm and ReLU; F_residual is a 1x1 convolution and BatchNorm,
    computed before the enlargement, with which it commutes. Without the three switches the block is a step of CRIS's
    projector.

    Args:
        in_channels: Channels C_in of the input.
        out_channels: Channels C_out of the output.
        deform: Whether the convolution is deformable instead of plain.
        residual: Whether the shortcut is added.
        se: Whether squeeze-and-excitation weighs the channels.
        se_ratio: Channels per hidden channel of the squeeze-and-excitation.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import EnhancementBlock
        >>> EnhancementBlock(4, 8, se_ratio=4)(torch.randn(2, 4, 5, 5)).shape
        torch.Size([2, 8, 10, 10])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        deform: bool = True,
        residual: bool = True,
        se: bool = True,
        se_ratio: int = 16,
    ) -> None:
        super().__init__()
        if deform:
            self.conv = OffsetDeformConv(in_channels, out_channels)
        else:
            self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(self.conv.weight, mode='fan_out', nonlinearity='relu')
        self.norm = nn.BatchNorm2d(out_channels)
        self.se = SELayer(out_channels, se_ratio) if se else None
        self.shortcut = self.shortcut_norm = None
        if residual:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, bias=False)
            nn.init.kaiming_normal_(self.shortcut.weight, mode='fan_out', nonlinearity='relu')
            self.shortcut_norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge ``x`` (B, C_in, h, w) to (B, C_out, 2h, 2w)."""
        out = F.relu(self.norm(self.conv(_twice(x))), inplace=True)
        if self.se is not None:
            out = self.se(out)
        if self.shortcut is not None:
            out = out + self.shortcut_norm(_twice(self.shortcut(x)))
        return out


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)
