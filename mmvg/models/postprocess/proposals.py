"""What a model of another library proposes, before anything is decided."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmvg.checks import check_choice

#: In what boxes are counted: pixels, thousandths or fractions of a side.
UNITS = ('pixel', 'permille', 'fraction')
#: Of which picture: as it is on disk; as the model has resized it; as it has padded it, at the right and below, to a
#: square.
BOX_FRAMES = ('original', 'resized', 'padded')


@dataclass
class Proposals:
    """Boxes or masks that a model proposes for one expression, best first or in the order in which it names them.

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


@dataclass(frozen=True)
class BoxUnit:
    """What the numbers of a box mean; guessing it from the numbers is how scores come out wrong.

    Args:
        unit: One of :data:`UNITS`.
        frame: One of :data:`BOX_FRAMES`.

    Raises:
        ValueError: If either is unknown.

    Example:
        >>> BoxUnit('permille').to_original(torch.tensor([[100.0, 0, 500, 1000]]), (480, 640))
        tensor([[ 64.,   0., 320., 480.]])
    """

    unit: str
    frame: str = 'original'

    def __post_init__(self) -> None:
        check_choice('unit', self.unit, UNITS)
        check_choice('box_frame', self.frame, BOX_FRAMES)

    def to_original(self, boxes: Tensor, size: tuple[int, int], input_size: tuple[int, int] | None = None) -> Tensor:
        """Bring boxes to pixels of the original picture; what sticks out of it is cut off.

        Args:
            boxes: (..., 4) xyxy.
            size: Height and width of the original picture.
            input_size: Those of the picture that the model saw.

        Raises:
            ValueError: If the unit is pixels of a picture whose size is not known.
        """
        height, width = size
        side = max(height, width)
        covered = (side, side) if self.frame == 'padded' else (width, height)
        if self.unit == 'pixel' and self.frame != 'original':
            if input_size is None:
                raise ValueError(
                    f'boxes are in pixels of the {self.frame} picture, whose size this model does not tell'
                )
            counted = (input_size[1], input_size[0])
        else:
            counted = dict(pixel=covered, permille=(1000, 1000), fraction=(1, 1))[self.unit]
        scale = boxes.new_tensor([of / by for of, by in zip(covered, counted, strict=True)])
        corners = boxes.unflatten(-1, (2, 2)) * scale
        return torch.minimum(corners, corners.new_tensor([width, height])).clamp(min=0).flatten(-2)
