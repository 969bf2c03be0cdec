"""Predict class and box of every query."""

import torch
from mmcv.cnn import Linear
from mmdet.models.layers import MLP, inverse_sigmoid
from torch import Tensor, nn


class BoxBranch(nn.Module):
    r"""Predict class and box of every query with one Linear and one MLP for all layers (InstanceVG, Sec. 3.2).

    .. math:: box = \sigma(MLP(q) + [\sigma^{-1}(r_x), \sigma^{-1}(r_y), 0, 0])

    with r the query's reference point, cut to [0, 1] and kept 1e-3 away from both ends. Without reference points
    the box is that of plain DETR, sigma(MLP(q)).

    Args:
        in_channels: Channels C of the query states.
        size_bias: First bias of width and height; with -2 boxes start small, sigmoid(-2) = 0.12 of the image a side.
            None leaves that of PyTorch.
    """

    def __init__(self, in_channels: int, size_bias: float | None = -2.0) -> None:
        super().__init__()
        self.classify = Linear(in_channels, 2)
        self.regress = MLP(in_channels, in_channels, 4, 3)
        if size_bias is not None:
            nn.init.constant_(self.regress.layers[-1].bias[2:], size_bias)

    def forward(self, query_states: Tensor, references: Tensor | None) -> tuple[Tensor, Tensor]:
        """Predict classes and boxes.

        Args:
            query_states: (D, B, Q, C).
            references: (B, Q, 2), x and y in fractions of the input image.

        Returns:
            Class logits (D, B, Q, 2), class 0 = target, class 1 = nothing, and boxes (D, B, Q, 4), cxcywh in fractions
                of the
            input image, in float32 even under autocast.
        """
        logits, offsets = self.classify(query_states), self.regress(query_states)
        with torch.autocast(query_states.device.type, enabled=False):
            offsets = offsets.float()
            if references is not None:
                centre = inverse_sigmoid(references.float(), eps=1e-3)
                offsets = offsets + torch.cat([centre, torch.zeros_like(centre)], -1)
            return logits, offsets.sigmoid()
