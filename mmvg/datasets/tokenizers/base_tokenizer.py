"""What all tokenizers do alike: begin token, words, end token, padding."""

from abc import ABC, abstractmethod

import numpy as np


class BaseTokenizer(ABC):
    """Turns a text into a fixed number of ids; subclasses set the attributes and write :meth:`encode`.

    Attributes:
        vocab_size: Number of ids in use; every id is below it.
        pad_id, bos_id, eos_id, unk_id: Ids of padding, begin, end and unknown token; ``unk_id`` is None where every
            text has an encoding.
    """

    vocab_size: int
    pad_id: int
    bos_id: int
    eos_id: int
    unk_id: int | None = None

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Ids of ``text`` without special tokens; an empty list for an empty text."""

    def __call__(self, text: str, max_length: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ``input_ids`` (L,) int64 and ``text_mask`` (L,) bool, True = a real token, for L = ``max_length``.

        Begin and end token are always there; what does not fit between them is cut off.
        """
        ids = [self.bos_id, *self.encode(text)[: max_length - 2], self.eos_id]
        input_ids = np.full(max_length, self.pad_id, dtype=np.int64)
        input_ids[: len(ids)] = ids
        return input_ids, np.arange(max_length) < len(ids)
