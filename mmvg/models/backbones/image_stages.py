"""What an image encoder has to be, so that text can meet it after every stage."""

from abc import abstractmethod
from collections.abc import Callable

from mmengine.model import BaseModule
from torch import Tensor

#: Called after a stage as ``after_stage(stage, blocks, size)``: the number of the stage, the outputs (B, h*w, C) of its
#: blocks with the output of the stage itself last, and (h, w). Returns the tokens (B, h*w, C) that the next stage gets.
AfterStage = Callable[[int, list[Tensor], tuple[int, int]], Tensor]


class ImageStages(BaseModule):
    """An image encoder of several stages. A subclass sets ``channels`` and ``strides`` and writes three methods.

    Its maps are used in one of two forms: *flat*, ``maps = stages(images)``, or *staged*, ``stages(images,
    after_stage)``, where ``after_stage`` sees the output of every stage and gives back what the next one starts from.

    Args:
        init_cfg: See MMEngine's ``BaseModule``.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import ImageStages, SwinStages
        >>> stages = SwinStages(embed_dims=8, depths=(1, 1), num_heads=(1, 2), window_size=2)
        >>> isinstance(stages, ImageStages), stages.channels, stages.strides
        (True, (8, 16), (4, 8))
    """

    #: Width C of the map of every stage, finest first.
    channels: tuple[int, ...]
    #: Stride of the map of every stage in input pixels.
    strides: tuple[int, ...]

    @abstractmethod
    def embed(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Turn ``images`` (B, 3, H, W) into the tokens (B, h*w, C) of the first stage, and their (h, w)."""

    @abstractmethod
    def run_stage(self, stage: int, tokens: Tensor, size: tuple[int, int]) -> list[Tensor]:
        """Send ``tokens`` (B, h*w, C) through a stage; return the output of every block."""

    @abstractmethod
    def merge(self, stage: int, tokens: Tensor, size: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
        """Turn the ``tokens`` that leave ``stage``, which is not the last one, into those that enter the next."""

    def forward(self, images: Tensor, after_stage: AfterStage | None = None) -> list[Tensor]:
        """Encode ``images`` (B, 3, H, W).

        Args:
            images: Normalised images.
            after_stage: What happens between the stages; nothing if it is left out.

        Returns:
            The map (B, C_i, h_i, w_i) that leaves each stage, finest first.
        """
        maps = []
        tokens, size = self.embed(images)
        for stage in range(len(self.channels)):
            blocks = self.run_stage(stage, tokens, size)
            tokens = blocks[-1] if after_stage is None else after_stage(stage, blocks, size)
            maps.append(tokens_to_map(tokens, size))
            if stage < len(self.channels) - 1:
                tokens, size = self.merge(stage, tokens, size)
        return maps


def tokens_to_map(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """Return tokens (B, h*w, C), row by row, as a map (B, C, h, w).

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import tokens_to_map
        >>> tokens_to_map(torch.zeros(2, 6, 8), (2, 3)).shape
        torch.Size([2, 8, 2, 3])
    """
    return tokens.transpose(1, 2).unflatten(2, tuple(size))


def map_to_tokens(x: Tensor) -> Tensor:
    """Return a map (B, C, h, w) as tokens (B, h*w, C), row by row.

    Examples:
        >>> import torch
        >>> from mmvg.models.backbones import map_to_tokens
        >>> map_to_tokens(torch.zeros(2, 8, 2, 3)).shape
        torch.Size([2, 6, 8])
    """
    return x.flatten(2).transpose(1, 2)
