"""From a picture and a sentence to the arrays that a graph takes, without PyTorch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmvg.checks import check_choice
from mmvg.datasets.expressions import READERS, clean_expression
from mmvg.export.placement import Placement, place
from mmvg.pictures import RESIZERS

#: Tokenizers by name -> the argument that is the path of their file.
TOKENIZERS = dict(WordTokenizer='vocab_file', BertTokenizer='vocab', BEiT3Tokenizer='vocab_file', CLIPPieces='file')


@dataclass(frozen=True)
class Preparation:
    """How pictures and sentences become inputs, as the test pipeline of a config and its preprocessor say.

    Args:
        size: Width and height of the input.
        letterbox: Whether the sides of the picture keep their proportion.
        interpolation: How the picture is resized.
        pad_value: Colour of the border, one value or BGR.
        mean, std: Of each channel, 0-255, after ``to_rgb``.
        to_rgb: Whether the graph takes RGB.
        reader: How a sentence is cleaned.
        max_length: Tokens of a sentence.
        tokenizer: Name of a class in ``TOKENIZERS``.
        vocabulary: File or folder below the exported model that the tokenizer reads.
        backend: What resizes the picture, ``'cv2'`` or ``'pillow'``.
    """

    size: tuple[int, int]
    letterbox: bool
    interpolation: str
    pad_value: float | tuple[float, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    to_rgb: bool
    reader: str
    max_length: int
    tokenizer: str
    vocabulary: str
    backend: str = 'cv2'

    def __post_init__(self) -> None:
        check_choice('backend', self.backend, tuple(RESIZERS))
        check_choice('interpolation', self.interpolation, RESIZERS[self.backend])
        check_choice('reader', self.reader, READERS)
        check_choice('tokenizer', self.tokenizer, tuple(TOKENIZERS))
        if min(self.size) < 1 or len(self.size) != 2 or self.max_length < 2:
            raise ValueError(f'size {self.size} or max_length {self.max_length} is too small')

    def to_data(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> 'Preparation':
        """Read what :meth:`to_data` gave, or what JSON made of it.

        Raises:
            TypeError: If a field is missing, or there is another one.
            ValueError: If a field has no meaning.
        """
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})

    def picture(self, picture: np.ndarray) -> tuple[np.ndarray, Placement]:
        """Prepare a picture (H, W, 3) uint8 BGR.

        Returns:
            (3, H', W') float32, and where the picture lies in it.
        """
        placed, placement = place(picture, self.size, self.letterbox, self.interpolation, self.pad_value, self.backend)
        if self.to_rgb:
            placed = placed[..., ::-1]
        values = (placed.astype(np.float32) - np.float32(self.mean)) / np.float32(self.std)
        return np.ascontiguousarray(values.transpose(2, 0, 1)), placement

    def open_tokenizer(self, folder: Path) -> Any:
        """Build the tokenizer on its files in ``folder``."""
        path = folder / self.vocabulary
        if self.tokenizer == 'CLIPPieces':
            from mmvg.export.clip_pieces import CLIPPieces

            return CLIPPieces(path)
        from mmvg.datasets import tokenizers

        return getattr(tokenizers, self.tokenizer)(path)

    def sentence(self, text: str, tokenizer: Any) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        """Prepare a sentence.

        Returns:
            Ids (L,) int64, which of them are real (L,) bool, and what was left out, see
                :meth:`mmvg.datasets.tokenizers.BaseTokenizer.left_out`.
        """
        clean = clean_expression(text, self.reader)
        input_ids, text_mask = tokenizer(clean, self.max_length)
        left_out = {}
        if text_mask.all() or (input_ids[text_mask] == tokenizer.unk_id).any():
            left_out = tokenizer.left_out(clean, self.max_length)
        return input_ids, text_mask, left_out
