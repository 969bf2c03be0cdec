"""Decode heads of mmsegmentation as pixel decoders."""

from mmengine.model import BaseModule
from torch import nn

from mmvg.models.features import GroundingFeatures
from mmvg.registry import MODELS, build_in_its_scope


@MODELS.register_module()
class DecodeHeadNeck(BaseModule):
    """Any decode head of mmsegmentation up to its classifier: from the maps of an encoder to one map of pixels.

    Heads that end in ``cls_seg`` can be used, as ``SegformerHead``, ``UPerHead``, ``FPNHead``, ``PSPHead``,
    ``ASPPHead``, ``LightHamHead`` and ``FCNHead`` do. The classifier and its losses are left out, the dropout before
    it (``dropout_ratio``, 0.1) stays.

    Example:
        >>> import torch
        >>> from mmvg.models.features import GroundingFeatures
        >>> from mmvg.models.necks import DecodeHeadNeck
        >>> neck = DecodeHeadNeck(dict(type='mmseg.SegformerHead', in_channels=[8, 16], in_index=[0, 1], channels=4))
        >>> maps = [torch.zeros(2, 8, 16, 16), torch.zeros(2, 16, 8, 8)]
        >>> tuple(neck(GroundingFeatures(images=maps)).pixels.shape)
        (2, 4, 16, 16)

    Args:
        decode_head: The head with its ``in_channels``, ``in_index`` and ``channels``, but without ``num_classes``.
    """

    def __init__(self, decode_head: dict, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.decode_head = build_in_its_scope(dict(decode_head, num_classes=2, out_channels=2))
        self.decode_head.conv_seg = nn.Identity()
        self.decode_head.init_cfg = None  # which initialises the classifier
        self.channels = decode_head['channels']

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Set ``pixels`` (B, C, h, w) from ``images``.

        Raises:
            ValueError: If the head gives something else than a map of its ``channels``.
        """
        pixels = self.decode_head(features.images)
        shape = tuple(getattr(pixels, 'shape', ()))
        if len(shape) != 4 or shape[1] != self.channels:
            raise ValueError(
                f'DecodeHeadNeck: {type(self.decode_head).__name__} gave {shape or type(pixels).__name__}, not maps '
                f'with channels={self.channels}; it does not end in `cls_seg`'
            )
        return features.replace(pixels=pixels)
