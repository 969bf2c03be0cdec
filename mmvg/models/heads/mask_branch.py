"""Predict one mask for the expression, and one for each query."""

import torch
from torch import Tensor, nn


class MaskBranch(nn.Module):
    r"""Predict the global mask and the masks of queries from one feature map (InstanceVG, arXiv:2509.13747, Sec. 3.3).

    .. math:: S_{ins}^k(y, x) = \langle Q_d^k, S_{global}(y, x) \rangle

    The global mask is a 1x1 convolution of the same map; the masks of queries have no parameters.

    Args:
        in_channels: Channels C of queries and pixels.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.predict = nn.Conv2d(in_channels, 1, 1)

    def forward(self, states: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Predict the masks.

        Args:
            states: Query states (B, Q, C).
            pixels: (B, C, h, w).

        Returns:
            Global logits (B, 1, h, w) and instance logits (B, Q, h, w). The latter, a sum of C unnormalised products,
                are
            computed in float32 even under autocast.
        """
        global_logits = self.predict(pixels)
        with torch.autocast(pixels.device.type, enabled=False):
            instance_logits = torch.einsum('bqc,bchw->bqhw', states.float(), pixels.float())
        return global_logits, instance_logits
