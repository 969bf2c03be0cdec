"""Anchors between sight and speech: the interaction of RaAM-RVG (Ouyang et al., ICCV 2025, Sec. 3.2 to 3.4)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmengine.model.weight_init import trunc_normal_
from torch import Tensor, nn

from mmvg.registry import MODELS


@MODELS.register_module()
class RegionAwareFusion(BaseModule):
    r"""One stage of the region-aware anchoring network: anchors read the text, then meet the image in both directions.

    With a the anchors that enter the stage, F1 what the vision layers of the stage give, and L the text:

    .. math::
        P^L &= LN(a + softmax_T(\omega_{p1}(a) \omega_{l1}(L)^T / \sqrt{C_l}) \, \omega_{l2}(L)) & \text{(1, 2)} \\
        P^{cross} &= Linear(\gamma(P^L) \odot P^L + a), \quad \gamma = tanh(W_2 \, relu(W_1 \cdot)) & \text{(3)} \\
        S &= \omega_{p2}(P^{cross}) \, \omega_{v1}(F^1)^T / \sqrt{C_v} & \text{(4)} \\
        P^V &= \alpha_1 \, softmax_M(S) \, \omega_{v2}(F^1) & \text{(5)} \\
        F^2 &= softmax_N(S)^T \, \omega_{p3}(P^{cross}) & \text{(6)} \\
        F &= LN(F^1 + \alpha_2 F^2) & \text{(7)} \\
        P &= LN(P^{cross} + \omega_{p4}(P^V)) & \text{(8)}

    In the first J stages a is a parameter, later the P of the stage before. A P that nobody reads is not computed, and
    its layers (eq. 5 and 8) do not exist: those of stages before J, and of the last one if ``final_anchors`` is False.

    Three equations are not as printed:

    - Eq. 1 prints P_i for a; the text and eq. 2 have P_{i-1}.
    - Eq. 6 prints an unflattened N x C product and reuses the softmax over the M pixels. The shapes do not fit, and a
      pixel would receive weights of about 1/M: F2 would be next to nothing. Pixels that read from anchors normalise
      over the N anchors, and the product (M, N) (N, C) comes before the map is unflattened.
    - Eq. 8 prints P^cross in place of P^V. Then eq. 5 and alpha_1 would have no effect, but the text says that anchors
      interact with the image, and Table 5(b) shows an effect of alpha_1.

    Padded tokens take no part in eq. 1. The keys of eq. 1 have no bias, nor have the queries of eq. 4 where only eq. 6
    reads S, and the maps before an instance norm: there it would cancel.

    Args:
        stage: Number of the stage, from 0.
        visual_channels: Channels of all K stages; C_v is that of ``stage``.
        text_channels: C_l.
        num_anchors: N.
        num_init_stages: J, the stages with anchors of their own.
        gate: ``False`` replaces eq. 3 by Linear(P^L), the row "Linear" of Table 5(b).
        learn_alpha1: ``False`` fixes alpha_1 at 1.
        learn_alpha2: ``False`` fixes alpha_2 at 1.
        final_anchors: Whether somebody reads the anchors that leave the last stage.
        anchor_std: Standard deviation of new anchors.
        weight_std: Standard deviation of new weights.
    """

    def __init__(
        self,
        stage: int,
        visual_channels: Sequence[int],
        text_channels: int,
        num_anchors: int = 16,
        num_init_stages: int = 2,
        gate: bool = True,
        learn_alpha1: bool = True,
        learn_alpha2: bool = True,
        final_anchors: bool = True,
        anchor_std: float = 0.02,
        weight_std: float = 0.02,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        num_stages = len(visual_channels)
        if not 0 <= stage < num_stages or not 1 <= num_init_stages <= num_stages:
            raise ValueError(
                f'RegionAwareFusion: of {num_stages} stages (visual_channels), stage is {stage} (0 to '
                f'{num_stages - 1}) and num_init_stages {num_init_stages} (1 to {num_stages})'
            )
        self.anchor_std, self.weight_std = anchor_std, weight_std
        self.num_anchors = num_anchors
        starts = stage < num_init_stages
        channels = visual_channels[stage]
        self.propagates = stage >= num_init_stages - 1 and (stage < num_stages - 1 or final_anchors)

        self.anchors = nn.Parameter(torch.zeros(num_anchors, text_channels)) if starts else None
        previous = text_channels if starts else visual_channels[stage - 1]
        self.anchor_in = nn.Linear(previous, text_channels) if previous != text_channels else nn.Identity()
        self.anchor_query = nn.Linear(text_channels, text_channels)
        self.text_key = nn.Linear(text_channels, text_channels, bias=False)
        self.text_value = nn.Linear(text_channels, text_channels)
        self.text_norm = nn.LayerNorm(text_channels)
        self.gate = L2VGate(text_channels) if gate else None
        self.to_visual = nn.Linear(text_channels, channels)

        self.cross_query = nn.Linear(channels, channels, bias=self.propagates)
        self.pixel_key = PixelProjection(channels)
        self.cross_value = nn.Linear(channels, channels)
        self.alpha2 = nn.Parameter(torch.ones(())) if learn_alpha2 else 1.0
        self.pixel_norm = nn.LayerNorm(channels)
        if self.propagates:
            self.pixel_value = PixelProjection(channels)
            self.alpha1 = nn.Parameter(torch.ones(())) if learn_alpha1 else 1.0
            self.feedback = nn.Linear(channels, channels)
            self.anchor_norm = nn.LayerNorm(channels)

    def init_weights(self) -> None:
        super().init_weights()
        for module in self.modules():
            if isinstance(module, nn.Linear):
                trunc_normal_(module.weight, std=self.weight_std)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if self.anchors is not None:
            nn.init.normal_(self.anchors, std=self.anchor_std)

    def forward(
        self,
        visual: Tensor,
        hw: tuple[int, int],
        text: Tensor,
        text_mask: Tensor,
        state: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Fuse ``visual`` (B, h*w, C_v), row-major, with ``text`` (B, T, C_l); ``text_mask`` (B, T), True = a real token.

        Args:
            hw: Height and width of the map.
            state: The anchors (B, N, C of the stage before) that the stage before returned, or ``None``.

        Returns:
            Tokens F (B, h*w, C_v) for the next stage, the same as a map (B, C_v, h, w), and the anchors P (B, N, C_v),
            or ``None`` if nobody is to read them.

        Raises:
            ValueError: If this stage continues with the anchors of the one before, but there are none.
        """
        anchors = self._enter(state, len(visual))
        cross = self._read_text(anchors, text, text_mask)
        logits = self.cross_query(cross) @ self.pixel_key(visual).transpose(1, 2) * visual.shape[-1] ** -0.5
        fused = logits.softmax(1).transpose(1, 2) @ self.cross_value(cross)
        tokens = self.pixel_norm(visual + self.alpha2 * fused)
        fused_map = tokens.transpose(1, 2).unflatten(2, hw)
        if not self.propagates:
            return tokens, fused_map, None
        seen = self.alpha1 * (logits.softmax(2) @ self.pixel_value(visual))
        return tokens, fused_map, self.anchor_norm(cross + self.feedback(seen))

    def _enter(self, state: Tensor | None, batch_size: int) -> Tensor:
        """The anchors a (B, N, C_l) that enter this stage."""
        if self.anchors is not None:
            return self.anchors.expand(batch_size, -1, -1)
        if state is None:
            raise ValueError(
                'RegionAwareFusion: this stage continues with the anchors of the stage before, but state is None; run '
                'the stages in order and pass the state on'
            )
        return self.anchor_in(state)

    def _read_text(self, anchors: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """Eq. 1 to 3: P^cross (B, N, C_v)."""
        logits = self.anchor_query(anchors) @ self.text_key(text).transpose(1, 2) * text.shape[-1] ** -0.5
        logits = logits.masked_fill(~text_mask[:, None].bool(), torch.finfo(logits.dtype).min)
        read = self.text_norm(anchors + logits.softmax(2) @ self.text_value(text))
        return self.to_visual(read if self.gate is None else self.gate(read) * read + anchors)


class L2VGate(nn.Sequential):
    """Weights in (-1, 1) for each channel of each anchor, from the anchor itself: gamma of eq. 3.

    Args:
        channels: C_l.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Linear(channels, channels, bias=False),
            nn.ReLU(),
            nn.Linear(channels, channels, bias=False),
            nn.Tanh(),
        )


class PixelProjection(nn.Module):
    """A 1x1 convolution and an instance norm without parameters, on tokens (B, M, C): omega_v of eq. 4 and 5.

    Args:
        channels: C_v.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Linear(channels, channels, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, M, C) of mean 0 and variance 1 over the M positions, with statistics in float32."""
        projected = self.project(tokens)
        with torch.autocast(tokens.device.type, enabled=False):
            normed = F.instance_norm(projected.float().transpose(1, 2)).transpose(1, 2)
        return normed.to(projected.dtype)


def fuse_layers(fused: Tensor, layers: Sequence[Tensor]) -> Tensor:
    """Hierarchical layer fusion (eq. 9): half the fused feature, half the mean of what the layers of the stage gave.

    Args:
        fused: F_i, of any shape.
        layers: V_{i,1} to V_{i,Q} of the same shape; the last one is the F_i^1 that was fused.
    """
    return (fused + torch.stack(tuple(layers)).mean(0)) / 2
