"""Bring image and text features to one width."""

from mmengine.model import BaseModule
from torch import nn

from mmvg.models.features import GroundingFeatures
from mmvg.registry import MODELS


@MODELS.register_module()
class FeatureProjection(BaseModule):
    """Project one feature map and the tokens, each by a linear map.

    Args:
        image_channels: Channels of the map.
        text_channels: Channels of the tokens (and of the sentence vector).
        out_channels: Channels of the result.
        sentence: Whether the sentence vector is projected too; otherwise it passes as it is.
        bias: Whether the maps have a bias.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.necks import FeatureProjection
        >>> features = GroundingFeatures(images=[torch.randn(2, 6, 4, 4)], text=torch.randn(2, 5, 7))
        >>> projected = FeatureProjection(image_channels=6, text_channels=7, out_channels=8)(features)
        >>> projected.images[0].shape, projected.text.shape
        (torch.Size([2, 8, 4, 4]), torch.Size([2, 5, 8]))
    """

    def __init__(
        self, image_channels: int, text_channels: int, out_channels: int, sentence: bool = False, bias: bool = False
    ) -> None:
        super().__init__()
        self.image = nn.Conv2d(image_channels, out_channels, 1, bias=bias)
        self.text = nn.Linear(text_channels, out_channels, bias=bias)
        self.sentence = nn.Linear(text_channels, out_channels, bias=bias) if sentence else None

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Replace ``images`` (one map), ``text`` and, if asked for, ``sentence``.

        Raises:
            ValueError: If there is not exactly one map, or no sentence vector where one is asked for.
        """
        if len(features.images) != 1:
            raise ValueError(f'FeatureProjection projects one feature map, the backbone gave {len(features.images)}')
        projected = features.replace(images=[self.image(features.images[0])], text=self.text(features.text))
        if self.sentence is None:
            return projected
        if features.sentence is None:
            raise ValueError('FeatureProjection(sentence=True) needs a backbone that gives a sentence vector')
        return projected.replace(sentence=self.sentence(features.sentence))
