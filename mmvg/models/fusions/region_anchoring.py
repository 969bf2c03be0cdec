"""Put anchors between image and text: one stage of RaAM (Ouyang et al., ICCV 2025, Sec. 3.2 to 3.5)."""

import torch
from torch import Tensor, nn

from mmvg.models.fusions.pixel_word_attention import PixelInstanceNorm, TanhGate


class RegionAnchoring(nn.Module):
    r"""Let anchors read the text, then meet the image in both directions: one stage of RaAM's anchoring network.

    With a the anchors that enter the stage, F1 what the vision layers of the stage give, and L the text:

    .. math::
        P^L &= LN(a + softmax_T(\omega_{p1}(a) \omega_{l1}(L)^T / \sqrt{C_l}) \, \omega_{l2}(L)) & \text{(1, 2)} \\
        P^{cross} &= Linear(\gamma(P^L) \odot P^L + a), \quad \gamma = tanh(W_2 \, relu(W_1 \cdot)) & \text{(3)} \\
        S &= \omega_{p2}(P^{cross}) \, \omega_{v1}(F^1)^T / \sqrt{C_v} & \text{(4)} \\
        P^V &= \alpha_1 \, softmax_M(S) \, \omega_{v2}(F^1) & \text{(5)} \\
        F^2 &= softmax_N(S)^T \, \omega_{p3}(P^{cross}) & \text{(6)} \\
        F &= LN(F^1 + \alpha_2 F^2) & \text{(7)} \\
        P &= LN(P^{cross} + \omega_{p4}(P^V)) & \text{(8)}

    Three equations are not as printed:

    - Eq. 1 prints P_i for a; the text and eq. 2 have P_{i-1}.
    - Eq. 6 prints an unflattened N x C product and reuses the softmax over the M pixels. The shapes do not fit, and a
      pixel would receive weights of about 1/M: F2 would be next to nothing. Pixels that read from anchors normalise
      over the N anchors, and the product (M, N) (N, C) comes before the map is unflattened.
    - Eq. 8 prints P^cross in place of P^V. Then eq. 5 and alpha_1 would have no effect, but the text says that anchors
      interact with the image, and Table 5(b) shows an effect of alpha_1.

    Padded tokens take no part in eq. 1. Biases that would cancel do not exist: of the keys of eq. 1, of the queries of
    eq. 4 if only eq. 6 reads S, and before an instance norm.

    Args:
        image_channels: C_v.
        text_channels: C_l.
        previous_channels: Channels of the anchors that the stage before hands over; ``None`` gives this stage anchors
            of its own.
        num_anchors: N.
        gate: ``False`` replaces eq. 3 by Linear(P^L), the row "Linear" of Table 5(b).
        learn_alpha1: ``False`` fixes alpha_1 at 1.
        learn_alpha2: ``False`` fixes alpha_2 at 1.
        propagate: Whether somebody reads P; otherwise eq. 5 and 8 and their layers do not exist.

    Examples:
        >>> import torch
        >>> from mmvg.models.fusions import RegionAnchoring
        >>> stage = RegionAnchoring(image_channels=8, text_channels=6, num_anchors=4)
        >>> fused, anchors = stage(torch.randn(2, 64, 8), torch.randn(2, 5, 6), torch.ones(2, 5).bool())
        >>> fused.shape, anchors.shape
        (torch.Size([2, 64, 8]), torch.Size([2, 4, 8]))
    """

    def __init__(
        self,
        image_channels: int,
        text_channels: int,
        previous_channels: int | None = None,
        num_anchors: int = 16,
        gate: bool = True,
        learn_alpha1: bool = True,
        learn_alpha2: bool = True,
        propagate: bool = True,
    ) -> None:
        super().__init__()
        self.propagate = propagate
        self.anchors = nn.Parameter(torch.zeros(num_anchors, text_channels)) if previous_channels is None else None
        self.anchor_in = nn.Identity()
        if previous_channels not in (None, text_channels):
            self.anchor_in = nn.Linear(previous_channels, text_channels)
        self.anchor_query = nn.Linear(text_channels, text_channels)
        self.text_key = nn.Linear(text_channels, text_channels, bias=False)
        self.text_value = nn.Linear(text_channels, text_channels)
        self.text_norm = nn.LayerNorm(text_channels)
        self.gate = TanhGate(text_channels) if gate else None
        self.to_visual = nn.Linear(text_channels, image_channels)

        self.cross_query = nn.Linear(image_channels, image_channels, bias=propagate)
        self.pixel_key = nn.Sequential(nn.Linear(image_channels, image_channels, bias=False), PixelInstanceNorm())
        self.cross_value = nn.Linear(image_channels, image_channels)
        self.alpha2 = nn.Parameter(torch.ones(())) if learn_alpha2 else 1.0
        self.pixel_norm = nn.LayerNorm(image_channels)
        if propagate:
            self.pixel_value = nn.Sequential(nn.Linear(image_channels, image_channels, bias=False), PixelInstanceNorm())
            self.alpha1 = nn.Parameter(torch.ones(())) if learn_alpha1 else 1.0
            self.over_pixels = nn.Softmax(2)
            self.feedback = nn.Linear(image_channels, image_channels)
            self.anchor_norm = nn.LayerNorm(image_channels)

    def forward(
        self, tokens: Tensor, text: Tensor, text_mask: Tensor, previous: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Fuse the pixels of one stage with the text.

        Args:
            tokens: F1 (B, M, C_v).
            text: (B, L, C_l).
            text_mask: (B, L), True = a real token.
            previous: Anchors (B, N, C) of the stage before, for a stage without its own.

        Returns:
            F (B, M, C_v) and P (B, N, C_v), the latter ``None`` if nobody is to read it.

        Raises:
            ValueError: If this stage continues with anchors, but there are none.
        """
        cross = self.read_text(self._entering(previous, tokens.shape[0]), text, text_mask)  # (B, N, C_v)
        # (B, N, C_v) @ (B, C_v, M) -> (B, N, M)
        logits = self.cross_query(cross) @ self.pixel_key(tokens).transpose(1, 2) * tokens.shape[-1] ** -0.5
        fused = self.pixel_norm(tokens + self.alpha2 * self.spread(logits, cross))
        if not self.propagate:
            return fused, None
        seen = self.alpha1 * (self.over_pixels(logits) @ self.pixel_value(tokens))  # (B, N, M) @ (B, M, C_v)
        return fused, self.anchor_norm(cross + self.feedback(seen))

    def read_text(self, anchors: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """Compute P^cross (B, N, C_v) from ``anchors`` (B, N, C_l): eq. 1 to 3."""
        # (B, N, C_l) @ (B, C_l, L) -> (B, N, L)
        logits = self.anchor_query(anchors) @ self.text_key(text).transpose(1, 2) * text.shape[-1] ** -0.5
        logits = logits.masked_fill(~text_mask[:, None].bool(), torch.finfo(logits.dtype).min)
        read = self.text_norm(anchors + logits.softmax(2) @ self.text_value(text))
        return self.to_visual(read if self.gate is None else self.gate(read) + anchors)

    def spread(self, logits: Tensor, cross: Tensor) -> Tensor:
        """Compute F2 (B, M, C_v), in which every pixel mixes the anchors by S, ``logits`` (B, N, M): eq. 6."""
        return logits.softmax(1).transpose(1, 2) @ self.cross_value(cross)  # (B, M, N) @ (B, N, C_v)

    def _entering(self, previous: Tensor | None, batch_size: int) -> Tensor:
        """Return the anchors a (B, N, C_l)."""
        if self.anchors is not None:
            return self.anchors.expand(batch_size, -1, -1)
        if previous is None:
            raise ValueError(
                'this stage continues with the anchors of the stage before, but there are none; run the stages in order'
            )
        return self.anchor_in(previous)
