"""Carry anchors between image and text from stage to stage (RaAM)."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from mmengine.model.weight_init import trunc_normal_
from torch import Tensor, nn

from mmvg.models.backbones.staged_encoder import StageOutput
from mmvg.models.fusions.region_anchoring import RegionAnchoring
from mmvg.registry import MODELS


@MODELS.register_module()
class RegionAwareFusion(BaseModule):
    """Fuse image and text through anchors, which pass from stage to stage (RaAM-RVG, ICCV 2025, Sec. 3.2 to 3.4).

    This is the region-aware anchoring network of Ouyang et al. In the first J stages the anchors that enter are
    parameters, which replace what the stage before hands over; in later stages they are what the stage before hands
    over (Sec. 3.2: "for stages J to K"). What nobody would read is not computed: stages before J hand nothing over, nor
    does the last one if ``final_anchors`` is False.

    Args:
        image_channels: C_i of all K stages.
        text_channels: C_l.
        num_anchors: N.
        num_init_stages: J.
        gate: See :class:`RegionAnchoring`.
        learn_alpha1: See :class:`RegionAnchoring`.
        learn_alpha2: See :class:`RegionAnchoring`.
        final_anchors: Whether a neck reads the anchors of the last stage, as in RaAM-RVG; in LAVT none does.
        anchor_std: Standard deviation of fresh anchors.
        weight_std: Standard deviation of fresh weights.
        value_std: Standard deviation of omega_l2 in eq. 2; ``None`` takes ``weight_std``. What anchors read of a text
            is a mean over its words; with a larger value it is not small beside the anchors themselves.

    Raises:
        ValueError: If ``num_init_stages`` is not 1 to K.

    Examples:
        >>> import torch
        >>> from mmvg.models.fusions import RegionAwareFusion
        >>> fusion = RegionAwareFusion(image_channels=(8, 8), text_channels=6, num_anchors=4, num_init_stages=1)
        >>> tokens, text, text_mask = torch.randn(2, 64, 8), torch.randn(2, 5, 6), torch.ones(2, 5).bool()
        >>> output = fusion(0, [tokens], (8, 8), text, text_mask, None)
        >>> output.feature.shape, output.state.shape  # the map, and the anchors for the next stage
        (torch.Size([2, 8, 8, 8]), torch.Size([2, 4, 8]))
    """

    def __init__(
        self,
        image_channels: Sequence[int],
        text_channels: int,
        num_anchors: int = 16,
        num_init_stages: int = 2,
        gate: bool = True,
        learn_alpha1: bool = True,
        learn_alpha2: bool = True,
        final_anchors: bool = True,
        anchor_std: float = 0.02,
        weight_std: float = 0.02,
        value_std: float | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        last = len(image_channels) - 1
        if not 1 <= num_init_stages <= last + 1:
            raise ValueError(
                f'RegionAwareFusion: num_init_stages is {num_init_stages}, but must be 1 to {last + 1}, the number of '
                'stages (image_channels)'
            )
        self.anchor_std, self.weight_std = anchor_std, weight_std
        self.value_std = weight_std if value_std is None else value_std
        self.stages = nn.ModuleList(
            RegionAnchoring(
                channels,
                text_channels,
                previous_channels=None if stage < num_init_stages else image_channels[stage - 1],
                num_anchors=num_anchors,
                gate=gate,
                learn_alpha1=learn_alpha1,
                learn_alpha2=learn_alpha2,
                propagate=final_anchors if stage == last else stage >= num_init_stages - 1,
            )
            for stage, channels in enumerate(image_channels)
        )

    def init_weights(self) -> None:
        """Draw weights and anchors."""
        super().init_weights()
        for module in self.modules():
            if isinstance(module, nn.Linear):
                trunc_normal_(module.weight, std=self.weight_std)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for stage in self.stages:
            trunc_normal_(stage.text_value.weight, std=self.value_std)
            if stage.anchors is not None:
                nn.init.normal_(stage.anchors, std=self.anchor_std)

    def forward(
        self,
        stage: int,
        blocks: list[Tensor],
        size: tuple[int, int],
        text: Tensor,
        text_mask: Tensor,
        state: Tensor | None,
    ) -> StageOutput:
        """Fuse the last of ``blocks`` (B, h*w, C) with ``text`` (B, L, C_l); see :class:`StagedEncoder`.

        ``state`` is the anchors (B, N, C) that a stage hands over to the next one.
        """
        tokens, anchors = self.stages[stage](blocks[-1], text, text_mask, state)
        feature = tokens.transpose(1, 2).unflatten(2, tuple(size))
        return StageOutput(tokens=tokens, feature=feature, text=text, state=anchors)
