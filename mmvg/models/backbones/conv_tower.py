"""The plain convolutions that GG-CNN and GR-ConvNet see pictures with."""

from collections.abc import Sequence
from math import prod

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.registry import MODELS


class PlainResidualBlock(nn.Module):
    """Compute x + two 3x3 convolutions of x, with BatchNorm, and a ReLU between them only.

    Args:
        channels: Width C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape of ``x`` (B, C, h, w)."""
        return x + self.body(x)


@MODELS.register_module()
class ConvTower(BaseModule):
    """Turn a picture into one small map: the encoder of GR-ConvNet (arXiv:1909.04810) or GG-CNN (arXiv:1804.05172).

    Each layer is a convolution with bias and a ReLU. The defaults are those of GR-ConvNet, on RGB; GG-CNN is

    ``channels=(32, 16, 8), kernel_sizes=(9, 5, 3), strides=(3, 2, 2), norm=False, num_blocks=0``.

    Weights start by Xavier's rule, as there.

    Args:
        in_channels: Of the picture; 4 with depth, as the authors have it.
        channels: Of each layer.
        kernel_sizes: Of each layer.
        strides: Of each layer; one that is not 1 divides the size of the map exactly.
        norm: Whether BatchNorm comes before each ReLU.
        num_blocks: Residual blocks at the end.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import ConvTower
        >>> [x.shape for x in ConvTower(channels=(4, 8, 16), num_blocks=1)(torch.randn(2, 3, 32, 32))]
        [torch.Size([2, 16, 8, 8])]
    """

    def __init__(
        self,
        in_channels: int = 3,
        channels: Sequence[int] = (32, 64, 128),
        kernel_sizes: Sequence[int] = (9, 4, 4),
        strides: Sequence[int] = (1, 2, 2),
        norm: bool = True,
        num_blocks: int = 5,
    ) -> None:
        super().__init__()
        self.stride = prod(strides)
        layers: list[nn.Module] = []
        for before, after, size, stride in zip(
            (in_channels, *channels[:-1]), channels, kernel_sizes, strides, strict=True
        ):
            layers.append(nn.Conv2d(before, after, size, stride, padding=(size - stride + 1) // 2))
            layers += [nn.BatchNorm2d(after)] if norm else []
            layers.append(nn.ReLU(inplace=True))
        self.layers = nn.Sequential(*layers, *(PlainResidualBlock(channels[-1]) for _ in range(num_blocks)))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Encode ``images`` (B, 3, H, W); returns one map (B, C, H / s, W / s).

        Raises:
            ValueError: If a side is no multiple of the stride s.
        """
        if images.shape[-2] % self.stride or images.shape[-1] % self.stride:
            raise ValueError(
                f'ConvTower needs sides that are multiples of {self.stride}, but got {tuple(images.shape)}; set the '
                'size of the resize'
            )
        return [self.layers(images)]
