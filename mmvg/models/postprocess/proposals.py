"""What a model of another library proposes, before anything is decided."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmvg.checks import check_choice
from mmvg.scoring.declaration import UNITS, Frame, frame_extent, frame_to_original


@dataclass
class Proposals:
    """Boxes or masks that a model proposes for one expression, in the order in which it names them.

    Args:
        boxes: (Q, 4) xyxy, in a unit and a frame that the config declares (:class:`BoxUnit`).
        scores: (Q,) in [0, 1].
        masks: (Q, h, w), the probability of each pixel of the whole picture, at any resolution; None for boxes alone.
        input_size: Height and width of the picture that the model saw; needed for pixels that are not original ones.
        answer: What a language model wrote, to look at.

    Example:
        >>> Proposals(boxes=torch.rand(3, 4), scores=torch.rand(3)).masks is None
        True
    """

    boxes: Tensor
    scores: Tensor
    masks: Tensor | None = None
    input_size: tuple[int, int] | None = None
    answer: str | None = None


class BoxUnit:
    """What the numbers of a box mean, in the words in which answer files are declared (:mod:`mmvg.scoring`).

    Args:
        unit: ``'pixel'``, ``'permille'`` or ``'fraction'``.
        frame: Of which picture: ``'original'``; ``'resized'``, as the model saw it; ``'padded-corner'`` or
            ``'padded-center'``, to a square.

    Raises:
        ValueError: If either is unknown.

    Example:
        >>> BoxUnit('permille').to_original(torch.tensor([[100.0, 0, 500, 1000]]), (480, 640))
        tensor([[ 64.,   0., 320., 480.]])
    """

    def __init__(self, unit: str, frame: str = 'original') -> None:
        self.unit = check_choice('unit', unit, tuple(UNITS))
        self.frame = Frame.parse(frame)

    def extent(self, size: tuple[int, int], input_size: tuple[int, int] | None = None) -> tuple[float, float]:
        """Return what the right and the lower border of the frame are in the unit; arguments as below."""
        frame = self.frame
        if self.unit == 'pixel' and frame == Frame('resized') and input_size is None:
            raise ValueError('boxes are in pixels of the resized picture, whose size this model does not tell')
        if input_size is not None and frame.kind != 'original' and frame.size is None:
            frame = Frame(frame.kind, input_size[::-1])
        return frame_extent(self.unit, frame, size[::-1])

    def to_original(self, boxes: Tensor, size: tuple[int, int], input_size: tuple[int, int] | None = None) -> Tensor:
        """Bring boxes to pixels of the original picture; what sticks out of it is cut off.

        Args:
            boxes: (..., 4) xyxy.
            size: Height and width of the original picture.
            input_size: Those of the picture that the model saw.

        Raises:
            ValueError: If the unit is pixels of a picture whose size is not known.
        """
        whole, margin = frame_to_original(self.frame, size[::-1])
        scale = [of / by for of, by in zip(whole, self.extent(size, input_size), strict=True)]
        corners = boxes.unflatten(-1, (2, 2)) * boxes.new_tensor(scale) - boxes.new_tensor(margin)
        return torch.minimum(corners, corners.new_tensor(size[::-1])).clamp(min=0).flatten(-2)
