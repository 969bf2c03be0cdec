"""Tell a small map what the sentence says, and enlarge it by transposed convolutions."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvg.checks import check_choice
from mmvg.models.features import GroundingFeatures
from mmvg.models.layers import FiLM
from mmvg.registry import MODELS

FUSIONS = ('concat', 'film', 'none')


class SentenceConcat(nn.Module):
    """Append the sentence to the channels of every cell; a 1x1 convolution and ReLU follow.

    The convolution of what is appended is a linear layer, whose result is the same in all cells, so nothing is copied.

    Args:
        channels: Channels C of the map.
        sentence_channels: Channels S of the sentence.
    """

    def __init__(self, channels: int, sentence_channels: int) -> None:
        super().__init__()
        self.of_map = nn.Conv2d(channels, channels, 1)
        self.of_sentence = nn.Linear(sentence_channels, channels, bias=False)

    def forward(self, x: Tensor, sentence: Tensor) -> Tensor:
        """Keep the shape of ``x`` (B, C, h, w), given ``sentence`` (B, S)."""
        return (self.of_map(x) + self.of_sentence(sentence)[..., None, None]).relu()


@MODELS.register_module()
class SentenceUpsampling(BaseModule):
    """Fuse the last map with the sentence, then enlarge it: the decoder of GR-ConvNet or GG-CNN, with a text.

    The papers (arXiv:1909.04810, arXiv:1804.05172) know no text; the rows "+ CLIP" in the tables of others do not say
    how it was put in. The defaults are those of GR-ConvNet; GG-CNN is

    ``in_channels=8, channels=(8, 16, 32), kernel_sizes=(3, 5, 9), strides=(2, 2, 3), norm=False``.

    Args:
        in_channels: Channels of the last map.
        sentence_channels: Channels S of the sentence.
        fusion: ``'concat'``: :class:`SentenceConcat`; ``'film'``: :class:`mmvg.models.layers.FiLM`; ``'none'`` leaves
            the sentence out.
        channels: Channels that leave each transposed convolution.
        kernel_sizes: Of each.
        strides: Of each; it enlarges the map by exactly this.
        norm: GR-ConvNet has BatchNorm before each ReLU, and neither after the last layer; GG-CNN has ReLU alone, after
            each.

    Raises:
        ValueError: If ``fusion`` is unknown.

    Examples:
        >>> import torch
        >>> from mmvg.models import GroundingFeatures
        >>> from mmvg.models.fusions import SentenceUpsampling
        >>> neck = SentenceUpsampling(in_channels=16, sentence_channels=6, channels=(8, 4, 4))
        >>> neck(GroundingFeatures(images=[torch.randn(2, 16, 8, 8)], sentence=torch.randn(2, 6))).pixels.shape
        torch.Size([2, 4, 32, 32])
    """

    def __init__(
        self,
        in_channels: int = 128,
        sentence_channels: int = 1024,
        fusion: str = 'concat',
        channels: Sequence[int] = (64, 32, 32),
        kernel_sizes: Sequence[int] = (4, 4, 9),
        strides: Sequence[int] = (2, 2, 1),
        norm: bool = True,
    ) -> None:
        super().__init__()
        check_choice('SentenceUpsampling.fusion', fusion, FUSIONS)
        self.fusion = None
        if fusion != 'none':
            self.fusion = (SentenceConcat if fusion == 'concat' else FiLM)(in_channels, sentence_channels)
        layers: list[nn.Module] = []
        for before, after, size, stride in zip(
            (in_channels, *channels[:-1]), channels, kernel_sizes, strides, strict=True
        ):
            padding = (size - stride + 1) // 2
            more = stride + 2 * padding - size
            layers.append(nn.ConvTranspose2d(before, after, size, stride, padding, output_padding=more))
            nn.init.xavier_uniform_(layers[-1].weight)
            layers += [nn.BatchNorm2d(after), nn.ReLU(inplace=True)] if norm else [nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*(layers[:-2] if norm else layers))

    def forward(self, features: GroundingFeatures) -> GroundingFeatures:
        """Set ``pixels`` (B, C, H, W) from the last of ``images`` and ``sentence`` (B, S).

        Raises:
            ValueError: If the sentence is wanted, and there is none.
        """
        x = features.images[-1]
        if self.fusion is not None:
            if features.sentence is None:
                raise ValueError('SentenceUpsampling needs a backbone that gives a sentence vector')
            x = self.fusion(x, features.sentence)
        return features.replace(pixels=self.layers(x))
