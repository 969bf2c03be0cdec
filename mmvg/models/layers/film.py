"""Modulate the features of a map by a sentence."""

from torch import Tensor, nn


class FiLM(nn.Module):
    r"""Scale and shift the channels of a map by what the sentence says (FiLM, arXiv:1709.07871; LGGD, Eq. 13 and 14).

    .. math:: y = (1 + \gamma) x + \beta, \quad (\gamma, \beta) = MLP(s)

    The last layer starts at zero, so that training starts at y = x.

    Args:
        channels: Channels C of the map.
        sentence_channels: Channels S of the sentence, and of the hidden layer.

    Examples:
        >>> import torch
        >>> from mmvg.models.layers import FiLM
        >>> x = torch.randn(2, 8, 4, 4)
        >>> torch.equal(FiLM(channels=8, sentence_channels=6)(x, torch.randn(2, 6)), x)
        True
    """

    def __init__(self, channels: int, sentence_channels: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(sentence_channels, sentence_channels),
            nn.LeakyReLU(0.01),
            nn.Linear(sentence_channels, 2 * channels),
        )
        nn.init.zeros_(self.mlp[-1].weight)
        nn.init.zeros_(self.mlp[-1].bias)

    def forward(self, x: Tensor, sentence: Tensor) -> Tensor:
        """Modulate ``x`` (B, C, h, w) by ``sentence`` (B, S)."""
        gamma, beta = self.mlp(sentence)[..., None, None].chunk(2, dim=1)
        return (1 + gamma) * x + beta
