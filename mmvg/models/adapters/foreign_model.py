"""What all models of other libraries share: a folder, a precision, and batches in which nobody changes another."""

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmvg.models.adapters.hub_folder import check_model_folder, load_processor, on_meta_device
from mmvg.models.postprocess import Proposals


class ForeignModel(nn.Module):
    """A model of another library, which reads pictures and sentences as they are and proposes boxes or masks.

    The folder is read when the model is built, unless it is built on the ``meta`` device, where settings are checked
    and nothing is read.

    Args:
        folder: Where the model lies.
        source: Its name on the Hugging Face Hub, which errors tell; nothing is fetched.
        dtype: ``'float32'``, ``'bfloat16'`` or ``'float16'``: precision of weights and of the forward pass.

    Raises:
        FileNotFoundError: If the folder is not there, or lacks files.

    Example:
        >>> class Middle(ForeignModel):
        ...     def load(self, path, dtype):
        ...         self.size = 0.5
        ...
        ...     def forward(self, images, texts):
        ...         return [Proposals(torch.tensor([[0.25, 0.25, 0.75, 0.75]]), torch.ones(1)) for _ in texts]
        >>> with torch.device('meta'):
        ...     model = Middle('data/weights/middle', 'mmvg/middle')
        >>> len(model([torch.zeros(3, 8, 8)], ['the red ring']))
        1
    """

    def __init__(self, folder: str, source: str, dtype: str = 'float32') -> None:
        super().__init__()
        self.processor: Any = None
        self._cut = False
        if not on_meta_device():
            path = check_model_folder(folder, source)
            self.processor = load_processor(path)
            self.load(path, dtype)

    @abstractmethod
    def load(self, path, dtype: str) -> None:
        """Read the model in ``path`` and keep it."""

    @abstractmethod
    def forward(self, images: Sequence[Tensor], texts: Sequence[str]) -> list[Proposals]:
        """Answer each sentence about its picture, (3, H, W) uint8 RGB on the device of the model."""

    def warn_if_cut(self, length: int, limit: int, text: str) -> None:
        """Say once that sentences are cut, and which was the first."""
        if length > limit and not self._cut:
            self._cut = True
            message = f'{type(self).__name__} reads at most {limit} tokens; longer sentences are cut, first {text!r}'
            print_log(message, 'current', logging.WARNING)


def answer_in_groups(
    encoded: Sequence[dict[str, Tensor]], answer: Callable[[dict[str, Tensor]], list[Proposals]]
) -> list[Proposals]:
    """Run inputs of equal shapes together, so that padding never lets a pair change the answer of another.

    Args:
        encoded: Tensors (1, ...) of each pair, by name.
        answer: Takes tensors (B, ...), gives B proposals.

    Returns:
        One per pair, in order.

    Example:
        >>> pairs = [dict(x=torch.zeros(1, 2)), dict(x=torch.zeros(1, 3)), dict(x=torch.zeros(1, 2))]
        >>> answer_in_groups(pairs, lambda batch: [tuple(batch['x'].shape)] * len(batch['x']))
        [(2, 2), (1, 3), (2, 2)]
    """
    groups: dict[tuple, list[int]] = {}
    for number, tensors in enumerate(encoded):
        shapes = tuple((name, tuple(tensor.shape)) for name, tensor in tensors.items())
        groups.setdefault(shapes, []).append(number)
    answers: list[Proposals | None] = [None] * len(encoded)
    for numbers in groups.values():
        batch = {name: torch.cat([encoded[n][name] for n in numbers]) for name in encoded[numbers[0]]}
        for number, proposals in zip(numbers, answer(batch), strict=True):
            answers[number] = proposals
    return answers
